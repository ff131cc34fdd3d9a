// Apps given to a running node or cluster: unpacked, checked, switched to, and back.

export { packApp } from './app-archive.ts';
export { ClusterDeployments, deploymentTables, type Member, type Outcome } from './cluster-deployments.ts';
export { DeploymentFolder } from './deployment-folder.ts';
export { type AppRunner, Deployments, type ListedDeployment } from './deployments.ts';
