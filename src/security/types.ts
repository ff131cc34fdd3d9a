// Who is asking and what they may ask for.

import type { RolePermission, UserRole } from './permission.ts';

/** An identity, decided by the door a call came through. Null in its place: no credentials were given. */
export interface User {
  readonly username: string;
  readonly role: UserRole;
  /** Who is not active is nobody. */
  readonly active: true;
  /** May do everything. */
  readonly superUser: boolean;
  /** What counts in place of what the role says now: of a super user who acts as somebody else. */
  readonly permission?: RolePermission;
}

export type Action = 'read' | 'insert' | 'update' | 'delete';

/** What the action is done to: a table, or an endpoint of app code. `appDefined`: the app's own code answers this call. */
export interface Subject {
  readonly name: string;
  readonly table?: { readonly database: string; readonly name: string };
  readonly appDefined: boolean;
}
