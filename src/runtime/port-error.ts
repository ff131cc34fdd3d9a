import { ZerohopError } from '../base/index.ts';

/** A port that can't be listened on, in plain words. */
export function portError(error: unknown, key: string, port: number): unknown {
  const code = (error as NodeJS.ErrnoException)?.code;
  const variable = `ZEROHOP_${key.toUpperCase().replace('.', '_')}`;
  if (code === 'EADDRINUSE')
    return new ZerohopError(
      'INVALID_CONFIG',
      `Port ${port} (${key}) is in use. Stop what listens there, or set another with ${variable}.`,
    );
  if (code === 'EACCES')
    return new ZerohopError(
      'INVALID_CONFIG',
      `Port ${port} (${key}) needs more rights than this user has. Set one above 1023 with ${variable}.`,
    );
  return error;
}
