export { packApp } from './app-archive.ts';
export { ClusterDeployments, deploymentTables, type Member, type Outcome } from './cluster-deployments.ts';
export { DeploymentFolder } from './deployment-folder.ts';
export { type AppRunner, Deployments, type ListedDeployment } from './deployments.ts';
