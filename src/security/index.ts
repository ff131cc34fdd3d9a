export { Access, accessTo, Grants, publicRole, type TableGrants } from './access.ts';
export { type Account, Accounts, superUserRole, type UserChange } from './accounts.ts';
export {
  administrator,
  allow,
  callersName,
  type Grant,
  identifyByAddress,
  isLoopback,
  refusal,
  type Standing,
} from './allow.ts';
export { Attempts } from './attempts.ts';
export { type EventAbout, SecurityEvents } from './events.ts';
export { ensureAdministrator, firstAdministrator, isGeneratedUser } from './first-administrator.ts';
export {
  type ClientCertificate,
  type Credentials,
  Identities,
  type IdentitiesOptions,
  isSameOrigin,
} from './identities.ts';
export { OpenId, type OpenIdOptions, type SignInState, signedInPath, signInPath } from './openid.ts';
export { Passwords, passwordLength, randomPassword } from './passwords.ts';
export {
  anyTable,
  permissionToJson,
  type RolePermission,
  readPermission,
  roleOf,
  type TablePermission,
  type UserRole,
} from './permission.ts';
export { sessionCookie, sessionOf, setCookie } from './sessions.ts';
export { securityTables, systemDatabase, tableNames } from './system-tables.ts';
export { type Claims, type TokenKind, Tokens } from './tokens.ts';
export type { Action, Subject, User } from './types.ts';
