// Operations on what app the node runs: deploying one, on this node or on the whole cluster, going back, and looking at its files.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { limits, ZerohopError } from '../../base/index.ts';
import { type ClusterDeployments, type Deployments, packApp } from '../../deployments/index.ts';
import { type Body, optionalFlag, optionalText, text } from './fields.ts';
import type { Operation } from './types.ts';

export function deploymentOperations(deployments: Deployments, cluster: ClusterDeployments): Operation[] {
  const access = 'super_user';
  return [
    {
      name: 'deploy_component',
      access,
      async run({ body }) {
        const { project, archive } = await appIn(body);
        const id = Bun.randomUUIDv7();
        if (optionalFlag(body, 'replicated')) {
          const nodes = await cluster.deploy(id, project, archive);
          return { message: `Successfully deployed: ${project}`, deployment_id: id, nodes };
        }
        await deployments.prepare(id, project, archive);
        await deployments.activate(id);
        return { message: `Successfully deployed: ${project}`, deployment_id: id };
      },
    },
    {
      name: 'rollback_component',
      access,
      async run({ body }) {
        const to = optionalText(body, 'deployment_id');
        if (optionalFlag(body, 'replicated')) {
          const before = to ?? deployments.folder.current?.previous;
          if (!before)
            throw new ZerohopError('CONFLICT', 'Nothing was deployed before. Deploy what is to run instead.');
          const { project, archive } = await cluster.archiveOf(before);
          const id = Bun.randomUUIDv7();
          const nodes = await cluster.deploy(id, project, archive);
          return { message: `Runs again: ${project}, as it was deployed by ${before}`, deployment_id: id, nodes };
        }
        const id = await deployments.rollBack(to);
        await cluster.leave();
        const what = id === null ? 'the folder the node was started with' : `the deployment ${id}`;
        return { message: `Runs again: ${what}`, deployment_id: id };
      },
    },
    {
      name: 'list_deployments',
      access,
      run: async () =>
        deployments.list().map(({ id, project, preparedMs, current }) => ({
          deployment_id: id,
          project,
          prepared: new Date(preparedMs).toISOString(),
          current,
        })),
    },
    {
      name: 'get_components',
      access,
      run: async () => ({ name: 'components', entries: [entryOf(deployments.app)] }),
    },
    {
      name: 'get_component_file',
      access,
      async run({ body }) {
        const name = text(body, 'file');
        const path = join(deployments.app, name);
        const isInside = path.startsWith(`${resolve(deployments.app)}/`) && !name.split('/').includes('..');
        if (!isInside || !existsSync(path) || !statSync(path).isFile())
          throw new ZerohopError('NOT_FOUND', `The app has no file ${name}.`);
        const { size, mtime } = statSync(path);
        if (size > limits.componentFileBytes)
          throw new ZerohopError('BODY_TOO_LARGE', `${name} has ${size} bytes; ${limits.componentFileBytes} are told.`);
        const encoding = optionalText(body, 'encoding') ?? 'utf8';
        if (encoding !== 'utf8' && encoding !== 'base64')
          throw new ZerohopError('INVALID_REQUEST', `"encoding" is utf8 or base64, not ${encoding}.`);
        return { message: readFileSync(path, encoding), size, mtime: mtime.toISOString() };
      },
    },
    {
      name: 'package_component',
      access,
      async run() {
        const bytes = await packApp(deployments.app);
        return { project: basename(deployments.app), payload: Buffer.from(bytes).toString('base64') };
      },
    },
  ];
}

/** `payload`: an archive in Base64. `package`: a folder or an archive on this machine. */
async function appIn(body: Body): Promise<{ readonly project: string; readonly archive: Uint8Array }> {
  const payload = optionalText(body, 'payload');
  const place = optionalText(body, 'package');
  if ((payload === undefined) === (place === undefined)) {
    throw new ZerohopError(
      'INVALID_REQUEST',
      'deploy_component needs "payload", a gzipped tar in Base64, or "package", the path of a folder or of such a tar on the node.',
    );
  }
  const project = optionalText(body, 'project') ?? basename(place ?? 'app').replace(/(\.tar)?\.t?gz$/, '');
  if (payload !== undefined) return { project, archive: Buffer.from(payload, 'base64') };
  const path = resolve(place ?? '');
  const entry = statSync(path, { throwIfNoEntry: false });
  if (!entry) throw new ZerohopError('NOT_FOUND', `There is no file or folder ${path} on the node.`);
  return { project, archive: entry.isDirectory() ? await packApp(path) : readFileSync(path) };
}

interface Entry {
  readonly name: string;
  readonly mtime: string;
  readonly size?: number;
  readonly entries?: readonly Entry[];
}

function entryOf(path: string): Entry {
  const { mtime, size } = statSync(path);
  const common = { name: basename(path), mtime: mtime.toISOString() };
  if (!statSync(path).isDirectory()) return { ...common, size };
  const inside = readdirSync(path, { withFileTypes: true })
    .filter(
      (entry) => (entry.isFile() || entry.isDirectory()) && entry.name !== 'node_modules' && entry.name !== '.git',
    )
    .sort((a, b) => a.name.localeCompare(b.name));
  return { ...common, entries: inside.map((entry) => entryOf(join(path, entry.name))) };
}
