// The request as app middleware sees it: a WHATWG Request whose `url` is path and query, with what apps of this kind know beside it.

import type { HttpRequest } from './http-request.ts';

/** Reads go to the real request; `pathname`, `ip`, `user` and the like to ours. */
export type AppRequest = Request &
  Pick<HttpRequest, 'pathname' | 'search' | 'ip' | 'host' | 'protocol' | 'user' | 'requestId'>;

const ours = ['method', 'pathname', 'search', 'ip', 'host', 'protocol', 'user', 'requestId'] as const;

const known = new WeakMap<Request, HttpRequest>();

/** @param url path and query as the middleware is to see them */
export function appRequestOf(request: HttpRequest, url: string): AppRequest {
  const properties: PropertyDescriptorMap = { url: { value: url, enumerable: true } };
  for (const name of ours) properties[name] = { get: () => request[name], enumerable: true, configurable: true };
  const mark = url.indexOf('?');
  properties.pathname = { value: mark < 0 ? url : url.slice(0, mark) };
  const own = new Proxy(request.raw, {
    get(target, name) {
      const property = typeof name === 'string' && Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (property) return property.get ? property.get() : property.value;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: (target, name, value) => {
      if (typeof name === 'string') properties[name] = { value, enumerable: true };
      return Reflect.set(target, name, value, target);
    },
    has: (target, name) => name in properties || name in target,
  });
  known.set(own, request);
  return own as AppRequest;
}

/** The request behind what middleware handed on; undefined when it made a request of its own. */
export function requestBehind(request: Request): HttpRequest | undefined {
  return known.get(request);
}
