// The base of every endpoint of app code. A class answers a verb with a static method of its name, `static get(target)`; or with an
// instance method: `get(target)`, `put(target, data)` where it says `static loadAsInstance = false`, and without that in the
// older order `put(data, target)`, called on an instance made for the target.

import { ZerohopError } from '../base/index.ts';
import type { Id } from '../records/index.ts';
import type { RequestTarget } from './request-target.ts';
import { currentContext } from './scope.ts';
import { type Context, type ResourceClass, type Verb, verbs } from './types.ts';

/** What an instance method of a verb looks like. */
type InstanceVerb = (this: Resource, first: unknown, second?: unknown) => unknown;

export class Resource {
  static loadAsInstance: boolean | undefined;
  static path: string | undefined;
  static directURLMapping: boolean | undefined;
  static hidden: boolean | undefined;
  /**
   * What `get` answers depends on nothing but the URL, who asks, and what it reads from tables. Then the node keeps the answer, until something it
   * read changes. A handler that looks at the request's headers, or writes, is never kept.
   */
  static cacheable: boolean | undefined;
  static description: string | undefined;

  readonly #id: Id | undefined;
  readonly #context: Context | undefined;

  constructor(id?: Id, context?: Context) {
    this.#id = id;
    this.#context = context;
  }

  getId(): Id | undefined {
    return this.#id;
  }

  getContext(): Partial<Context> {
    return this.#context ?? currentContext() ?? {};
  }

  getCurrentUser(): Context['user'] {
    return this.getContext().user ?? null;
  }

  static getContext(): Partial<Context> {
    return currentContext() ?? {};
  }

  static getCurrentUser(): Context['user'] {
    return currentContext()?.user ?? null;
  }

  // One method per verb, so that `super.get(target)` works and each can be replaced by itself.
  static get(target: RequestTarget, context?: Context): unknown {
    return callInstance(this, 'get', target, undefined, context);
  }
  static search(target: RequestTarget, context?: Context): unknown {
    return callInstance(this, 'search', target, undefined, context);
  }
  static put(target: RequestTarget, data: unknown, context?: Context): unknown {
    return callInstance(this, 'put', target, data, context);
  }
  static patch(target: RequestTarget, data: unknown, context?: Context): unknown {
    return callInstance(this, 'patch', target, data, context);
  }
  static post(target: RequestTarget, data: unknown, context?: Context): unknown {
    return callInstance(this, 'post', target, data, context);
  }
  static delete(target: RequestTarget, context?: Context): unknown {
    return callInstance(this, 'delete', target, undefined, context);
  }
  static publish(target: RequestTarget, data: unknown, context?: Context): unknown {
    return callInstance(this, 'publish', target, data, context);
  }
  static subscribe(target: RequestTarget, context?: Context): unknown {
    return callInstance(this, 'subscribe', target, undefined, context);
  }
  static connect(target: RequestTarget, data: unknown, context?: Context): unknown {
    return callInstance(this, 'connect', target, data, context);
  }
}

/** Methods the runtime itself brings: a class that has others answers those verbs by itself. */
const builtIn = new WeakSet<object>();

/** Marks the verbs of a base class, static and instance. */
export function markBuiltIn(base: { readonly prototype: object }): void {
  for (const verb of verbs) {
    for (const owner of [base, base.prototype]) {
      const method = methodOf(owner, verb);
      if (method !== undefined) builtIn.add(method);
    }
  }
}
markBuiltIn(Resource);

type Method = (...args: readonly unknown[]) => unknown;

/** The method an object or class has under a name. */
export function methodOf(owner: object, name: string): Method | undefined {
  const value: unknown = Reflect.get(owner, name);
  return typeof value === 'function' ? (value as Method) : undefined;
}

/** How app code of the class answers the verb: undefined when it does not. */
export function ownMethod(resource: ResourceClass, verb: Verb): 'static' | 'instance' | undefined {
  const method = methodOf(resource, verb);
  if (method !== undefined && !builtIn.has(method)) return 'static';
  return ownInstanceMethod(resource, verb) === undefined ? undefined : 'instance';
}

function ownInstanceMethod(resource: ResourceClass, verb: Verb): Method | undefined {
  const prototype: unknown = Reflect.get(resource, 'prototype');
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  const method = methodOf(prototype, verb);
  return method !== undefined && !builtIn.has(method) ? method : undefined;
}

/** Whether the class, not the runtime, defines the instance method of the verb. */
export function hasInstanceMethod(resource: ResourceClass, verb: Verb): boolean {
  return ownInstanceMethod(resource, verb) !== undefined;
}

/** The verbs an endpoint answers. */
export function allowedVerbs(resource: ResourceClass): Verb[] {
  if (resource.tableName !== undefined) return ['get', 'search', 'put', 'patch', 'post', 'delete'];
  return verbs.filter((verb) => ownMethod(resource, verb) !== undefined);
}

/** The HTTP methods an endpoint answers, for `Allow` (RFC 9110 §10.2.1). The runtime's own POST is of a collection, not of a record. */
export function allowedMethods(resource: ResourceClass, isRecord = false): string[] {
  const isTable = resource.tableName !== undefined;
  const answers = (verb: Verb) => {
    const isOwn = ownMethod(resource, verb) !== undefined;
    return verb === 'post' && isRecord ? isOwn : isOwn || isTable;
  };
  const allowed = httpVerbs.filter(answers).map((verb) => verb.toUpperCase());
  if (allowed.includes('GET')) allowed.splice(1, 0, ...(isTable ? ['HEAD', 'QUERY'] : ['HEAD']));
  return [...allowed, 'OPTIONS'];
}

const withData: readonly Verb[] = ['put', 'patch', 'post', 'publish', 'connect'];

/** Calls the instance method of a verb on an instance made for the target. Throws METHOD_NOT_ALLOWED when there is none. */
export function callInstance(
  resource: typeof Resource,
  verb: Verb,
  target: RequestTarget,
  data: unknown,
  context: Context | undefined,
): unknown {
  const method = ownInstanceMethod(resource, verb) as InstanceVerb | undefined;
  if (method === undefined) throw methodNotAllowed(resource, verb);
  const around: Context | undefined = context ?? currentContext();
  const instance =
    resource.loadAsInstance === false ? new resource(undefined, around) : new resource(target.id, around);
  return callOn(instance, method, resource.loadAsInstance, verb, target, data);
}

/** Calls a verb's method in the order of arguments its class uses. */
export function callOn(
  instance: Resource,
  method: (...args: readonly unknown[]) => unknown,
  loadAsInstance: boolean | undefined,
  verb: Verb,
  target: RequestTarget,
  data: unknown,
): unknown {
  if (!withData.includes(verb)) return method.call(instance, target);
  const call = (body: unknown) =>
    loadAsInstance === false ? method.call(instance, target, body) : method.call(instance, body, target);
  // Instance methods take the body itself, not a promise of it.
  return data instanceof Promise ? data.then(call) : call(data);
}

export function methodNotAllowed(resource: ResourceClass, verb: Verb): ZerohopError {
  const allow = allowedMethods(resource);
  return new ZerohopError(
    'METHOD_NOT_ALLOWED',
    `${resource.name} does not answer ${verb.toUpperCase()}. It answers: ${allow.join(', ')}.`,
    { allow },
  );
}

const httpVerbs: readonly Verb[] = ['get', 'put', 'patch', 'post', 'delete'];
