export { openApi } from './openapi.ts';
export { type RestOptions, restStep } from './rest.ts';
