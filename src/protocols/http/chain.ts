// The order of the steps a request passes, and passing it through them.
//
//   runFirst … │ static … │ authentication │ the app's middleware, in order of adding │ rest │ before: false …

import { ZerohopError } from '../../base/index.ts';
import type { User } from '../../security/index.ts';
import type { RouteMetrics } from '../../telemetry/index.ts';
import type { HttpRequest } from './http-request.ts';

export type Next = (request: HttpRequest) => Response | Promise<Response>;

/** What steps that are asked at once find out for each other and for who measures. */
export interface Found {
  route: RouteMetrics | undefined;
  /** Who is asking; null: somebody without credentials. */
  user: User | null;
}

/** Answers, or hands on with `next` and may change what comes back. */
export interface HttpStep {
  readonly name?: string | undefined;
  readonly handle: (request: HttpRequest, next: Next) => Response | Promise<Response>;
  /**
   * Answers out of memory, by nothing but the request as it came, before anything else is made of it. 'pass': this step has no say in it, the
   * next is asked. Undefined, an error, or no such function: all steps are asked in the ordinary way.
   * @param url path and query
   */
  readonly atOnce?: ((raw: Request, url: string, found: Found) => Response | 'pass' | undefined) | undefined;
  /** Name of the step this one comes right before; false: the end of the chain. */
  readonly before?: string | false | undefined;
  readonly after?: string | undefined;
  readonly runFirst?: boolean | undefined;
}

/**
 * Puts steps in order. `fixed` are there always, in this order; those of `added` that name no place come before the one named 'rest', or the
 * last where there is none.
 */
export function orderSteps(fixed: readonly HttpStep[], added: readonly HttpStep[]): HttpStep[] {
  const steps = [...fixed];
  const last = fixed.find(({ name }) => name === 'rest') ?? fixed.at(-1);
  let waiting = added;
  while (waiting.length > 0) {
    const stuck = waiting.filter((step) => !place(steps, step, last));
    if (stuck.length === waiting.length) throw unknownPlace(stuck[0], steps);
    waiting = stuck;
  }
  return steps;
}

/** False when the step it names is not there (yet). */
function place(steps: HttpStep[], step: HttpStep, last: HttpStep | undefined): boolean {
  const at = positionOf(steps, step, last);
  if (at === undefined) return false;
  steps.splice(at, 0, step);
  return true;
}

function positionOf(steps: readonly HttpStep[], step: HttpStep, last: HttpStep | undefined): number | undefined {
  if (step.runFirst) return steps.findIndex((other) => !other.runFirst);
  if (step.before === false) return steps.length;
  if (step.before !== undefined) return found(steps.findIndex(({ name }) => name === step.before));
  if (step.after !== undefined) {
    const named = found(steps.findLastIndex(({ name, after }) => name === step.after || after === step.after));
    return named !== undefined && steps.some(({ name }) => name === step.after) ? named + 1 : undefined;
  }
  return last ? steps.indexOf(last) : steps.length;
}

function found(index: number): number | undefined {
  return index < 0 ? undefined : index;
}

function unknownPlace(step: HttpStep | undefined, steps: readonly HttpStep[]): ZerohopError {
  const names = steps.flatMap(({ name }) => name ?? []);
  return new ZerohopError(
    'INVALID_CONFIG',
    `server.http: there is no middleware named "${step?.before || step?.after}". There are: ${names.join(', ')}.`,
  );
}

/** The `atOnce` of the steps as one; undefined where the first has none. */
export function composeAtOnce(steps: readonly HttpStep[]): HttpStep['atOnce'] {
  const end = steps.findIndex((step) => step.atOnce === undefined);
  const asked = steps.slice(0, end < 0 ? steps.length : end).flatMap((step) => step.atOnce ?? []);
  return asked.reduceRight<HttpStep['atOnce']>((next, ask) => {
    if (next === undefined) return ask;
    return (raw, url, found) => {
      const answer = ask(raw, url, found);
      return answer === 'pass' ? next(raw, url, found) : answer;
    };
  }, undefined);
}

/** The steps as one function. `end` answers what no step did. */
export function composeSteps(steps: readonly HttpStep[], end: Next): Next {
  return steps.reduceRight<Next>((next, step) => (request) => step.handle(request, next), end);
}
