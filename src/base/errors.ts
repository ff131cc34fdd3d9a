// Every error a user can cause, in one table: its stable code, its HTTP status, its title, and whether trying the same
// call again may help. Every protocol maps these; docs/ERRORS.md lists them. Bugs are not here: see assert.ts.

interface ErrorKind {
  readonly status: number;
  readonly title: string;
  readonly retryable?: true;
}

export const errorTable = {
  // What was asked is wrong.
  INVALID_REQUEST: { status: 400, title: 'The request is not valid' },
  INVALID_BODY: { status: 400, title: 'The request body could not be read' },
  INVALID_QUERY: { status: 400, title: 'The query is not valid' },
  INVALID_ID: { status: 400, title: 'The id is not valid' },
  INVALID_CURSOR: { status: 400, title: 'The paging cursor is not valid' },
  INVALID_HEADER: { status: 400, title: 'A request header is not valid' },
  UNKNOWN_ATTRIBUTE: { status: 400, title: 'The attribute does not exist' },
  VALIDATION_FAILED: { status: 400, title: 'The record does not fit its schema' },
  UNINDEXED_QUERY: { status: 400, title: 'The query would scan a large table' },
  UNAUTHENTICATED: { status: 401, title: 'Credentials are required' },
  FORBIDDEN: { status: 403, title: 'Not allowed' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The method is not allowed here' },
  NOT_ACCEPTABLE: { status: 406, title: 'None of the accepted content types can be produced' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request body took too long', retryable: true },
  CONFLICT: { status: 409, title: 'It conflicts with what is there' },
  NOT_UNIQUE: { status: 409, title: 'A unique attribute has this value already' },
  BELOW_MINIMUM: { status: 409, title: 'The number may not go below its minimum' },
  PRECONDITION_FAILED: { status: 412, title: 'The record has changed' },
  BODY_TOO_LARGE: { status: 413, title: 'The request body is too large' },
  URI_TOO_LONG: { status: 414, title: 'The address is too long' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The content type is not supported' },
  RANGE_NOT_SATISFIABLE: { status: 416, title: 'The range is outside the content' },
  TOO_MANY_REQUESTS: { status: 429, title: 'Too many requests', retryable: true },
  HEADERS_TOO_LARGE: { status: 431, title: 'The request headers are too large' },
  // The node, or the world around it, can't do it now.
  INTERNAL: { status: 500, title: 'Internal error' },
  APPLICATION_ERROR: { status: 500, title: 'The application failed' },
  NOT_IMPLEMENTED: { status: 501, title: 'Not supported' },
  NOT_CACHED: { status: 504, title: 'No copy is stored that may be served', retryable: true },
  UNREACHABLE: { status: 504, title: 'No node that holds the record can be reached', retryable: true },
  NOT_CONFIRMED: { status: 504, title: 'Too few nodes confirmed the write' },
  ORIGIN_FAILED: { status: 502, title: 'The origin has failed', retryable: true },
  OVERLOADED: { status: 503, title: 'The node is overloaded', retryable: true },
  INDEX_REBUILDING: { status: 503, title: 'The index is being built', retryable: true },
  SHUTTING_DOWN: { status: 503, title: 'The node is stopping', retryable: true },
  READ_ONLY: { status: 503, title: 'The data folder can not be written', retryable: true },
  SNAPSHOT_EXPIRED: { status: 503, title: 'The transaction was open for too long', retryable: true },
  STORAGE_FULL: { status: 507, title: 'The disk is full', retryable: true },
  // Before the node serves at all.
  INVALID_CONFIG: { status: 500, title: 'The configuration is not valid' },
  INVALID_SCHEMA: { status: 500, title: 'The schema is not valid' },
  CORRUPT_DATA: { status: 500, title: 'The data file is damaged' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorTable;

/**
 * An expected failure: a refusal or trouble. `message` is plain text for the user: what, which one, what to do.
 * `fields` go into the RFC 9457 body beside it (e.g. `attribute`, `retryAfterSeconds`).
 */
export class ZerohopError extends Error {
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'ZerohopError';
    this.code = code;
    this.fields = fields;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  /** Node's and Harper's name for the HTTP status of an error. */
  get statusCode(): number {
    return this.status;
  }

  get retryable(): boolean {
    return 'retryable' in errorTable[this.code];
  }
}

/** The `type` of RFC 9457 problem details of a code. */
export function problemType(code: string): string {
  return `https://zerohop.dev/errors/${code}`;
}

/** An error as plain data, to cross a thread. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function errorToData(error: unknown): ErrorData {
  if (error instanceof ZerohopError) return { code: error.code, message: error.message, fields: error.fields };
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error), fields: {} };
}

export function errorFromData(data: ErrorData): ZerohopError {
  return new ZerohopError(data.code, data.message, data.fields);
}
