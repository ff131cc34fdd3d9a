// Whether a thread traces, and what with. The modules that do it are loaded only where tracing is on.

import type { Tracing, TracingOptions } from './tracing-options.ts';

/** Undefined: nobody wants spans. */
export async function openTracing(options: TracingOptions): Promise<Tracing | undefined> {
  if (options.endpoint === '' && options.file === '') return undefined;
  const { startTracing } = await import('./tracer.ts');
  return startTracing(options);
}
