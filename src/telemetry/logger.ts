// The log: one line per event, as JSON, or readable on a terminal. Secrets in fields are blanked.

import { isatty } from 'node:tty';
import type { DestinationStream, Logger as Pino } from 'pino';
import type { LogFields, Logger, LogLevel } from '../base/index.ts';
import { LogFile } from './log-file.ts';

export interface LogOptions {
  readonly level: LogLevel | 'silent';
  /** 'auto': pretty when standard error is a terminal. */
  readonly format: 'auto' | 'json' | 'pretty';
  /** Where lines go; standard error when absent. */
  readonly output?: DestinationStream;
  /** Where they are kept as well, as JSON: see log-file.ts. */
  readonly file?: string | undefined;
}

const standardError = 2;
const secrets = ['authorization', 'cookie', 'set-cookie', 'password', 'token', 'secret', 'refresh_token'];

/** Writes synchronously: a line is out before the call returns, so the last words of a failing process are never lost. */
export async function createLogger({ level, format, output, file }: LogOptions): Promise<Logger> {
  // Threads that have no log of their own are without it.
  const { destination, pino } = await import('pino');
  const isPretty = format === 'pretty' || (format === 'auto' && output === undefined && isatty(standardError));
  const lines = output ?? destination({ fd: standardError, sync: true });
  const shown = isPretty ? await prettyStream(lines) : lines;
  const stream = file === undefined ? shown : bothStreams(shown, new LogFile(file));
  return new PinoLogger(
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        serializers: { error: plainError },
        redact: { paths: [0, 1, 2].flatMap(secretPaths), censor: '[redacted]' },
      },
      stream,
    ),
  );
}

function bothStreams(shown: DestinationStream, kept: LogFile): DestinationStream {
  return {
    write(line) {
      shown.write(line);
      kept.write(line);
    },
  };
}

async function prettyStream(lines: DestinationStream): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  const format = pretty.prettyFactory({
    colorize: lines instanceof Object && 'fd' in lines && isatty(standardError) && process.env.NO_COLOR === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    // Which thread it was, and what is not kept in the file, is for those who read JSON.
    ignore: 'pid,hostname,thread,once',
    errorLikeObjectKeys: ['error'],
  });
  return { write: (line) => lines.write(format(line)) };
}

/** Of an error what a reader needs. Some carry whole trees beside it, such as the parser's. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const code: unknown = Reflect.get(error, 'code');
  return {
    type: name,
    message,
    ...(typeof code === 'string' && { code }),
    stack,
    ...(cause !== undefined && { cause: plainError(cause) }),
  };
}

/** Where a secret may stand `depth` objects deep. */
function secretPaths(depth: number): string[] {
  return secrets.map((name) => ['*.'.repeat(depth).slice(0, -1), `["${name}"]`].join(''));
}

class PinoLogger implements Logger {
  readonly #pino: Pino;

  constructor(logger: Pino) {
    this.#pino = logger;
  }

  trace(message: string, fields: LogFields = {}): void {
    this.#pino.trace(fields, message);
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#pino.debug(fields, message);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#pino.info(fields, message);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#pino.warn(fields, message);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#pino.error(fields, message);
  }

  fatal(message: string, fields: LogFields = {}): void {
    this.#pino.fatal(fields, message);
  }

  isEnabled(level: LogLevel): boolean {
    return this.#pino.isLevelEnabled(level);
  }

  child(fields: LogFields): Logger {
    return new PinoLogger(this.#pino.child(fields));
  }
}
