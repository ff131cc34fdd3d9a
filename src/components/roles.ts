// `roles`: what the app's roles may do, from roles.yaml. Roles of the file are created, or changed to be as it says; others are left alone.
//
//   public: { data: { Product: { read: true } } }

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ZerohopError } from '../base/index.ts';
import type { AppNode } from '../resources/index.ts';
import { Accounts, Passwords } from '../security/index.ts';
import { isOptions, type Options } from './app-config.ts';
import { filePatterns, findFiles } from './app-files.ts';

/** @param report told of every file that could not be loaded; the others still are */
export async function loadRoles(
  options: Options,
  folder: string,
  node: AppNode,
  report: (error: unknown, file: string) => void,
): Promise<void> {
  const accounts = new Accounts(node.databases, new Passwords());
  for (const file of findFiles(folder, filePatterns(options, 'roles', folder))) {
    try {
      const roles: unknown = parse(readFileSync(join(folder, file), 'utf8')) ?? {};
      if (!isOptions(roles))
        throw new ZerohopError('INVALID_CONFIG', 'A roles file is a list of roles with what each may do.');
      for (const [id, permission] of Object.entries(roles)) await accounts.setRole(id, permission, 'either');
    } catch (error) {
      report(error, file);
    }
  }
}
