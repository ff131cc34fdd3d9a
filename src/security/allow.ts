// The one decision about permission. Denies what no rule allows.

import { ZerohopError } from '../base/index.ts';
import type { Action, Subject, User } from './types.ts';

/** The node itself, and whoever works on its own machine where that is trusted. */
export const administrator: User = Object.freeze({ username: 'administrator', role: 'super_user', superUser: true });

/** The identity of a call without credentials. `authorizeLocal`: calls from this machine are the administrator's. */
export function identifyByAddress(address: string, authorizeLocal: boolean): User | null {
  return authorizeLocal && isLoopback(address) ? administrator : null;
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address);
}

/** Whether `user` may do `action` to `subject`. App code that answers a call decides for itself. */
export function allow(user: User | null, action: Action, subject: Subject): boolean {
  if (user?.superUser) return true;
  if (subject.appDefined) return true;
  return action === 'read' && subject.table !== undefined;
}

/** Throws UNAUTHENTICATED or FORBIDDEN where `allow` says no. */
export function demand(user: User | null, action: Action, subject: Subject): void {
  if (!allow(user, action, subject)) throw refusal(user, action, subject.name);
}

/** The error of a call that is not allowed. */
export function refusal(user: User | null, action: Action, name: string): ZerohopError {
  return user === null
    ? new ZerohopError(
        'UNAUTHENTICATED',
        `To ${action} ${name}, send credentials. On the node's own machine none are needed under "zerohop dev" or with --authorize-local true.`,
        { action },
      )
    : new ZerohopError('FORBIDDEN', `${user.username} may not ${action} ${name}.`, { action });
}
