// `npm run check`: what to run before every commit. Types, lint, layers, reference pages and unit tests, in under a minute.

import { checks, runCheck, runTests } from './steps.ts';

const good = await Promise.all(checks.map(runCheck));
const tests = await runTests(['src', 'tools']);
const passed = good.filter(Boolean).length + tests.passed;
const failed = good.filter((one) => !one).length + tests.failed;
console.log(`\n${passed} passed, ${failed} failed, ${tests.skipped.length} skipped`);
process.exit(failed === 0 ? 0 : 1);
