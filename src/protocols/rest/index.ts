// REST: from URL and verb to a call of a resource, and from its answer to a response. And OpenAPI, which describes that.

export { openApi } from './openapi.ts';
export { type RestOptions, restStep } from './rest.ts';
