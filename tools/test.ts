// `npm test`: every check and every test. The last line is `N passed, N failed, N skipped`; ends with 1 when anything failed.

import { missing } from './requirements.ts';
import { checks, runCheck, runTests } from './steps.ts';

const lacking = missing();
for (const line of lacking) console.log(`missing: ${line}`);

let passed = 0;
let failed = 0;
for (const check of checks) {
  if (await runCheck(check)) passed += 1;
  else failed += 1;
}
const tests = await runTests(['src', 'tools', 'apps', 'bench', 'test']);
passed += tests.passed;
failed += tests.failed;

console.log();
for (const name of tests.skipped) console.log(`skipped: ${name}`);
if (tests.skipped.length > 0) for (const line of lacking) console.log(`missing: ${line}`);
console.log(`${passed} passed, ${failed} failed, ${tests.skipped.length} skipped`);
process.exit(failed === 0 ? 0 : 1);
