// The HTTP listener and the steps a request passes: who is asking, what is in the body, how an answer or a problem is sent.

export {
  blobResponse,
  chooseEncoding,
  compress,
  compressStream,
  contentTag,
  type Encoding,
  entityTag,
  isCompressible,
  isKnown,
  isUnmodifiedSince,
  lastModified,
  parseRange,
  tagWithCoding,
} from '../../semantics/index.ts';
export { type AuthenticationOptions, authenticationStep, type RateLimits } from './authentication.ts';
export { composeSteps, type Found, type HttpStep, type Next, orderSteps } from './chain.ts';
export { compressResponse } from './compress-response.ts';
export { ContentTypes, extensions, type Writer } from './content-types.ts';
export type { Cors } from './cors.ts';
export { JsonText, toJson } from './formats.ts';
export { type Body, type Chunk, chunksAsBody, frame, isAsyncIterable, isIterable } from './framing.ts';
export { createHttpHandler, HttpHandler, type HttpHandlerOptions } from './handler.ts';
export { healthResponse } from './health.ts';
export { HttpRequest, type Identify } from './http-request.ts';
export { type Listener, type ListenOptions, listen } from './listen.ts';
export { preconditionOf, unmodifiedLimit } from './preconditions.ts';
export { isUnexpected, type Problem, problemOf, problemResponse } from './problem.ts';
export { type BodyLimits, BodyReader } from './read-body.ts';
export { contentOf, headersOf, isResponseLike, type ResponseLike } from './response-like.ts';
export { nosniff, withSecureHeaders } from './secure-headers.ts';
export { signInStep } from './sign-in.ts';
export { followTlsFiles, readTlsFiles, type TlsFiles, type TlsSettings } from './tls-files.ts';
export type { Peer } from './tls-front.ts';
export { listenTls, redirectToTls } from './tls-listen.ts';
