// Deploying apps to a running node: prepared beside the one that runs, checked that it loads, then switched to, with no moment in which nobody
// answers. What could not be prepared, or does not load, leaves everything as it was.

import { type Logger, ZerohopError } from '../base/index.ts';
import { unpackApp } from './app-archive.ts';
import type { Deployment, DeploymentFolder } from './deployment-folder.ts';
import { installPackages } from './install.ts';

/** The part of a node that runs its app. */
export interface AppRunner {
  /** Loads an app beside the one that runs, and lets go of it. Rejects with why it can not be loaded. */
  check(app: string): Promise<void>;
  /** Serves the app from now on. Rejects with why it can not be loaded; then the one before goes on. */
  run(app: string): Promise<void>;
}

export interface DeploymentsOptions {
  readonly folder: DeploymentFolder;
  readonly runner: AppRunner;
  /** What runs while nothing is deployed. */
  readonly startApp: string;
  readonly log: Logger;
}

export interface ListedDeployment extends Deployment {
  readonly current: boolean;
}

export class Deployments {
  readonly folder: DeploymentFolder;
  readonly #options: DeploymentsOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: DeploymentsOptions) {
    this.#options = options;
    this.folder = options.folder;
  }

  list(): ListedDeployment[] {
    const current = this.folder.current?.id;
    return this.folder.list().map((one) => ({ ...one, current: one.id === current }));
  }

  /** The folder of the app that runs. */
  get app(): string {
    const { current } = this.folder;
    return current ? this.folder.appOf(current.id) : this.#options.startApp;
  }

  /** Unpacks, installs and checks; nothing is switched. */
  prepare(id: string, project: string, archive: Uint8Array): Promise<void> {
    return this.#alone(async () => {
      try {
        const app = this.folder.begin(id);
        await unpackApp(archive, app);
        await installPackages(app);
        await this.#options.runner.check(app);
        this.folder.keep({ id, project, preparedMs: Date.now() });
      } catch (error) {
        this.folder.drop(id);
        throw notDeployed(error);
      }
    });
  }

  /** Switches to one that was prepared. */
  activate(id: string): Promise<void> {
    return this.#alone(async () => {
      if (!this.folder.has(id)) throw new ZerohopError('NOT_FOUND', `There is no deployment ${id} on this node.`);
      if (this.folder.current?.id === id) return;
      await this.#options.runner.run(this.folder.appOf(id)).catch((error: unknown) => {
        throw notDeployed(error);
      });
      this.folder.run(id);
      this.#options.log.info(`The app of deployment ${id} runs.`);
    });
  }

  /** Switches back to what ran before, or to a deployment that is still there. Gives its id; null: the folder the node was started with. */
  rollBack(to?: string): Promise<string | null> {
    return this.#alone(async () => {
      const { current } = this.folder;
      if (!current && to === undefined)
        throw new ZerohopError('CONFLICT', 'Nothing is deployed: the node runs the folder it was started with.');
      const id = to ?? current?.previous ?? null;
      if (id !== null && !this.folder.has(id))
        throw new ZerohopError('NOT_FOUND', `There is no deployment ${id} on this node any more.`);
      await this.#options.runner.run(id === null ? this.#options.startApp : this.folder.appOf(id));
      this.folder.run(id);
      this.#options.log.info(id === null ? 'The folder the node was started with runs again.' : `Back to ${id}.`);
      return id;
    });
  }

  /** One after the other. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const next = this.#last.then(work, work);
    this.#last = next;
    next.catch(() => {});
    return next;
  }
}

function notDeployed(error: unknown): ZerohopError {
  if (error instanceof ZerohopError && error.code !== 'APPLICATION_ERROR') return error;
  const why = error instanceof Error ? error.message : String(error);
  return new ZerohopError(
    'INVALID_REQUEST',
    `The app was not deployed, and the one before goes on: it does not load. ${why}`,
  );
}
