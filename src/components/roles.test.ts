import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTestNode } from '../resources/index.ts';
import { loadRoles } from './roles.ts';

test('what a role names that is not there is warned about; what is wrong is a problem of its file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-roles-'));
  const node = await openTestNode(
    'type Dog @table { id: ID @primaryKey owner: ID } type Cat @table { id: ID @primaryKey name: String }',
    { other: {} },
  );
  try {
    writeFileSync(
      join(folder, 'roles.yaml'),
      `
walker:
  dta: { Dog: { read: true } }
  data:
    Dogs: { read: true }
    Dog: { read: true, rows: 'ownr=$user' }
    Cat: { read: true, attributes: { nam: { read: true }, somethingElse: { read: true } } }
keeper:
  data: { '*': { read: true }, Dog: { read: true, rows: 'owner=$user' } }
nobody: true
`,
    );
    const problems: string[] = [];
    await loadRoles({ files: 'roles.yaml' }, folder, node, (error, file) => problems.push(`${file}: ${error}`));
    expect(node.lines).toEqual([
      'warn: roles.yaml: the role walker: there is no database "dta". Did you mean "data"?',
      'warn: roles.yaml: the role walker: there is no table "data.Dogs". Did you mean "data.Dog"?',
      expect.stringMatching(/^warn: roles\.yaml: the role walker: rows of data\.Dog: .*ownr/),
      'warn: roles.yaml: the role walker: there is no attribute "data.Cat.nam". Did you mean "data.Cat.name"?',
    ]);
    expect(problems).toEqual([expect.stringMatching(/^roles\.yaml: .*The role nobody: this must name what it allows/)]);
  } finally {
    await node.close();
    rmSync(folder, { recursive: true });
  }
});
