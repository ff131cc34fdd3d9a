import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { permissionToJson, readPermission } from './permission.ts';

const flags = fc.record({ read: fc.boolean(), insert: fc.boolean(), update: fc.boolean() });
const table = fc.record({
  delete: fc.boolean(),
  attributes: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), flags, { maxKeys: 4 }),
  rows: fc.option(fc.constantFrom('owner=$user', 'price=lt=5'), { nil: undefined }),
});

test('a permission is read again as it was written', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[A-Z][a-z]{0,8}$/), table, { maxKeys: 4 }),
      fc.boolean(),
      (tables, superUser) => {
        // A table allows what its attributes do.
        const whole = Object.fromEntries(
          Object.entries(tables).map(([name, { rows, ...part }]) => [
            name,
            { read: true, insert: true, update: true, ...part, ...(rows !== undefined && { rows }) },
          ]),
        );
        const role = readPermission({ super_user: superUser, data: whole }, 'The role');
        expect(readPermission(permissionToJson(role), 'The role')).toEqual(role);
      },
    ),
  );
});

test('tables may be named as roles.yaml or as the operations have it', () => {
  const short = readPermission({ data: { Dog: { read: true, attributes: { name: { read: true } } } } }, 'A role');
  const attribute_permissions = [{ attribute_name: 'name', read: true }];
  const long = readPermission({ data: { tables: { Dog: { read: true, attribute_permissions } } } }, 'A role');
  expect(short).toEqual(long);
});

test('a table that is called tables is a table', () => {
  const role = readPermission({ data: { tables: { read: true } } }, 'A role');
  expect(role.tables.get('data')?.get('tables')?.read).toBe(true);
});
