// Reports of npm audit, as npm prints them.

import { expect, test } from 'bun:test';
import { type AuditOutcome, outcomeOf } from './audit.ts';

test.each<[string, AuditOutcome]>([
  ['{"auditReportVersion":2,"vulnerabilities":{},"metadata":{}}', { kind: 'clean' }],
  [
    '{"auditReportVersion":2,"vulnerabilities":{"left":{"name":"left","severity":"high"}}}',
    { kind: 'unsafe', packages: ['left (high)'] },
  ],
  ['{"message":"404 Not Found","error":{"summary":""}}', { kind: 'unknown', why: '404 Not Found' }],
  ['{"error":{"code":"ENOAUDIT"}}', { kind: 'unknown', why: '{"code":"ENOAUDIT"}' }],
  ['', { kind: 'unknown', why: 'npm gave no report' }],
  ['null', { kind: 'unknown', why: 'npm gave no report' }],
])('%s', (printed, outcome) => {
  expect(outcomeOf(printed)).toEqual(outcome);
});
