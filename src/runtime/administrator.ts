// A node that nobody may administrate makes an administrator when it starts.

import type { Logger } from '../base/index.ts';
import type { Identities } from '../security/index.ts';

/** The password is told this once, where the person who starts the node sees it. What can't be written now is made at the next start. */
export async function makeAdministrator({ accounts }: Identities, inCluster: boolean, log: Logger): Promise<void> {
  const { ensureAdministrator, firstAdministrator, superUserRole } = await import('../security/index.ts');
  try {
    if (inCluster && !accounts.hasAdministrator()) {
      await accounts.setRole(superUserRole, { super_user: true }, 'either');
      log.warn(
        'There is no administrator here yet. Those of the cluster come with its data; where it has none, make one on one node: zerohop op add_user username=admin password=… role=super_user',
      );
      return;
    }
    const password = await ensureAdministrator(accounts);
    if (password === undefined) return;
    log.warn(
      `There was no administrator. Made the user ${firstAdministrator} with the password ${password} which is told this once; change it with the operation alter_user.`,
      { once: true },
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.error(`There is no administrator, and none could be made: ${why}`);
  }
}
