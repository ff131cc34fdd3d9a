// node --import trace-preload.js PROGRAM …: spans of one of the rivals' processes, appended to the file TRACE_FILE names as the runtime's own
// are: one OTLP request as JSON in each line.

import { appendFileSync } from 'node:fs';
import { register } from 'node:module';
import { basename } from 'node:path';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const file = process.env.TRACE_FILE ?? '';
const [, program = '', word = ''] = process.argv;
const name = basename(program, '.js');
const serviceName = name === 'service' ? word : name;

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

/** What is not sampled is not kept: whoever wants a trace says so in `traceparent`. */
const writer = {
  onStart(span) {
    // The SDK begins spans at whole milliseconds, which is too coarse to draw.
    const nowMs = performance.timeOrigin + performance.now();
    span.startTime = [Math.trunc(nowMs / 1000), Math.round((nowMs % 1000) * 1e6)];
  },
  onEnd(span) {
    appendFileSync(file, Buffer.concat([JsonTraceSerializer.serializeRequest([span]), Buffer.from('\n')]));
  },
  async forceFlush() {},
  async shutdown() {},
};

if (file !== '') {
  new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    spanProcessors: [writer],
  }).register();
  registerInstrumentations({
    instrumentations: [
      new HttpInstrumentation(),
      new UndiciInstrumentation({ requireParentforSpans: true }),
      new PgInstrumentation({ requireParentSpan: true, ignoreConnectSpans: true }),
    ],
  });
}
