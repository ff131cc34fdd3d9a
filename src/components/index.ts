// An app as it is loaded: its `config.yaml`, schema, roles, code, data and files.

export { type AppLogger, appApi } from './app-api.ts';
export { provideRuntime } from './app-modules.ts';
export { schemaFilesOf } from './graphql-schema.ts';
export { type LoadedApp, type LoadOptions, loadApp, type RestOptions } from './load-app.ts';
export { type OpenApp, type OpenAppOptions, openApp } from './open-app.ts';
