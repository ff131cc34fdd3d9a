// A node that nobody could administer gets an administrator, with a random password that is told once.

import { type Accounts, superUserRole } from './accounts.ts';
import { randomPassword } from './passwords.ts';

export const firstAdministrator = 'admin';

/** Gives the password of the administrator it has made; undefined where there is one already. */
export async function ensureAdministrator(accounts: Accounts): Promise<string | undefined> {
  if (accounts.hasAdministrator()) return undefined;
  await accounts.setRole(superUserRole, { super_user: true }, 'either');
  const password = randomPassword();
  if (accounts.get(firstAdministrator) === undefined) {
    await accounts.add(firstAdministrator, password, superUserRole, true, true);
  } else await accounts.alter(firstAdministrator, { password, role: superUserRole, active: true });
  return password;
}

/** Whether a user, as stored, is one that `ensureAdministrator` has made and nobody has changed. */
export function isGeneratedUser(body: string): boolean {
  return (JSON.parse(body) as { generated?: unknown }).generated === true;
}
