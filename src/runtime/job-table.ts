// The table of jobs: loads of records that go on by themselves. Each node has its own.

import type { Attribute, ScalarType, TableDefinition } from '../schema/index.ts';

export const jobTable: TableDefinition = {
  database: 'system',
  name: 'hdb_job',
  primaryKey: 'id',
  attributes: [attribute('id', 'ID'), attribute('start_datetime', 'Long', true), attribute('job', 'Any')],
  sealed: true,
  replicate: false,
  audit: true,
  hidden: true,
};

function attribute(name: string, scalar: ScalarType, indexed = false): Attribute {
  const type = { kind: 'scalar', scalar } as const;
  return { name, type, required: false, indexed, unique: false, fulltext: false, hidden: false };
}
