import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseStatement } from './statement.ts';
import { isFinished, textOf, tokensOf } from './tokens.ts';

describe('tokens', () => {
  const given: readonly (readonly [sql: string, tokens: readonly string[]])[] = [
    ['SELECT a.b FROM c', ['SELECT', 'a', '.', 'b', 'FROM', 'c']],
    ['\'it\'\'s\' "a""b" `c``d` [e f]', ["'it''s'", '"a""b"', '`c``d`', '[e f]']],
    ['1 1.5 .5 1e-3 0xFF 1_000', ['1', '1.5', '.5', '1e-3', '0xFF', '1_000']],
    ["x'0aF' X'00'", ["x'0aF'", "X'00'"]],
    ['a->>b a->b a||b a<=b a<>b', ['a', '->>', 'b', 'a', '->', 'b', 'a', '||', 'b', 'a', '<=', 'b', 'a', '<>', 'b']],
    ['? ?12 :a @b $c', ['?', '?12', ':a', '@b', '$c']],
    ['a -- b\nc /* d */ e /* f', ['a', 'c', 'e']],
    ['größe Ω', ['größe', 'Ω']],
  ];
  test.each(given.map(([sql, tokens]) => ({ sql, tokens })))('$sql', ({ sql, tokens }) => {
    expect(tokensOf(sql).map(({ raw }) => raw)).toEqual([...tokens]);
  });

  test('quotes are taken off names and texts', () => {
    expect(tokensOf('\'it\'\'s\' "a""b" `c``d` [e]').map(({ value }) => value)).toEqual(["it's", 'a"b', 'c`d', 'e']);
  });

  test('what is written again reads the same', () => {
    const part = fc.constantFrom(
      'a',
      '.',
      "'x y'",
      '"q"',
      '1',
      '1.5',
      '->>',
      '-',
      '-',
      '--x\n',
      '/*y*/',
      ' ',
      '?',
      ':n',
      '(',
      '|',
      'x',
      "''",
      ';',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        let tokens: ReturnType<typeof tokensOf>;
        try {
          tokens = tokensOf(parts.join(''));
        } catch {
          return;
        }
        const raws = (sql: string) => tokensOf(sql).map(({ raw }) => raw);
        expect(raws(textOf(tokens))).toEqual(tokens.map(({ raw }) => raw));
      }),
    );
  });

  const typed: readonly (readonly [sql: string, isFinished: boolean])[] = [
    ['SELECT 1', false],
    ['SELECT 1;', true],
    ['SELECT 1; -- done', true],
    ["SELECT 'a;", false],
    ["SELECT 'a;\nb';", true],
    ['SELECT "a;', false],
    ['SELECT /* ;', false],
    ['SELECT # 1', true],
  ];
  test.each(typed.map(([sql, finished]) => ({ sql, finished })))('typed so far: $sql', ({ sql, finished }) => {
    expect(isFinished(sql)).toBe(finished);
  });
});

describe('statements', () => {
  const rename = (database: string, table: string) => (database === 'zoo' && table === 'Cat' ? 'zoo.Cat' : undefined);

  test('what reads goes as it is, tables of other databases by one name', () => {
    expect(parseStatement('SELECT zoo.Cat.name, zoo.x, a.zoo.Cat FROM zoo . Cat;', rename)).toMatchObject({
      kind: 'read',
      sql: 'SELECT "zoo.Cat".name, zoo.x, a.zoo.Cat FROM "zoo.Cat"',
      named: ['select', 'zoo', 'cat', 'name', 'x', 'a', 'from'],
    });
  });

  test('INSERT', () => {
    expect(
      parseStatement(
        'WITH n AS (SELECT 1) INSERT INTO zoo.Cat AS c (id, "na me") SELECT a, (SELECT b) FROM zoo.Cat WHERE x RETURNING id, \'r\'',
        rename,
      ),
    ).toMatchObject({
      kind: 'insert',
      target: { database: 'zoo', table: 'Cat' },
      alias: 'c',
      prefix: 'WITH n AS (SELECT 1)',
      columns: ['id', 'na me'],
      source: ' SELECT a, (SELECT b) FROM "zoo.Cat" WHERE x',
      returning: " id, 'r'",
    });
  });

  test('UPDATE', () => {
    expect(
      parseStatement(
        'UPDATE Dog d SET a = CASE WHEN b = 1 THEN 2 END, "c" = (SELECT x FROM y WHERE z), e = f IS DISTINCT FROM g WHERE h ORDER BY i LIMIT 1',
      ),
    ).toMatchObject({
      kind: 'update',
      target: { database: undefined, table: 'Dog' },
      alias: 'd',
      prefix: '',
      assignments: [
        { column: 'a', expression: ' CASE WHEN b = 1 THEN 2 END' },
        { column: 'c', expression: ' (SELECT x FROM y WHERE z)' },
        { column: 'e', expression: ' f IS DISTINCT FROM g' },
      ],
      rest: ' WHERE h ORDER BY i LIMIT 1',
      returning: null,
    });
  });

  test('DELETE', () => {
    expect(parseStatement("DELETE FROM Dog WHERE a = 'RETURNING' RETURNING *")).toMatchObject({
      kind: 'delete',
      alias: 'Dog',
      rest: " WHERE a = 'RETURNING'",
      returning: ' *',
    });
  });

  test('parameters are numbered as SQLite numbers them', () => {
    const { variables, ...rest } = parseStatement('SELECT ?, ?3, ?, :a, @a, :a, ?1');
    expect(rest).toMatchObject({ sql: 'SELECT ?1, ?3, ?4, ?5, ?6, ?5, ?1' });
    expect(variables).toEqual([{ index: 0 }, { index: 1 }, { index: 2 }, { index: 3 }, { name: 'a' }, { name: 'a' }]);
  });
});
