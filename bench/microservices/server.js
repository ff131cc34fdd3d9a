// A Fastify server as all of them are set up: errors as problem documents, and an orderly end on SIGTERM.

import Fastify from 'fastify';

/** @param {{ close(): Promise<void> }[]} resources closed after the last answer */
export function createServer(resources) {
  const server = Fastify({
    logger: { level: 'warn' },
    disableRequestLogging: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
  });
  server.setErrorHandler((error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error(error);
    const detail = status >= 500 ? 'The page could not be made.' : error.message;
    reply.code(status).type('application/problem+json').send(JSON.stringify({ status, detail }));
  });
  server.get('/health', async () => 'ok');
  server.addHook('onClose', async () => {
    await Promise.all(resources.map((resource) => resource.close()));
  });
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => server.close().then(() => process.exit(0)));
  return server;
}
