// The five suites. Paths choose the suite; there is nothing to register.
//
//   unit         **/tests/unit         the domain and small parts, nothing outside the process
//   integration  **/tests/integration  real PostgreSQL and NATS, started once for the whole run
//   contract     **/tests/contract     what both sides of a message or call expect
//   e2e          tests/e2e             the whole system, one file at a time
//   simulation   tests/simulation      the services in seeded worlds, and the bug zoo
//
// No retries anywhere: a test that passes the second time has found something.

import { configDefaults, defineConfig } from 'vitest/config';

const runtimeNode = 24;
if (Number.parseInt(process.versions.node, 10) < runtimeNode) {
  throw new Error(
    `The tests run on Node ${runtimeNode}, this is ${process.version}: use \`npm test\`, or put node_modules/.bin ` +
      'first on the PATH.',
  );
}

const workers = 2;
const patienceMs = 50_000;
const infrastructure = { globalSetup: ['tests/setup/infrastructure.ts'] };

export default defineConfig({
  test: {
    environment: 'node',
    // Canaries' code is laid out below the home: another version's tests.
    exclude: [...configDefaults.exclude, '.stoa/**'],
    // Processes, not threads: a test may signal, chdir or crash its own without touching the others.
    pool: 'forks',
    maxWorkers: workers,
    // What is waited for comes when the machine lets it: how soon is not what is tested. Less than any test's timeout.
    expect: { poll: { timeout: patienceMs } },
    projects: [
      {
        extends: true,
        // Long enough for a property test on a machine that is busy with something else: time is not what is tested.
        test: { name: 'unit', include: ['**/tests/unit/**/*.test.ts'], testTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['**/tests/integration/**/*.test.ts'],
          ...infrastructure,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'contract',
          include: ['**/tests/contract/**/*.test.ts'],
          ...infrastructure,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          maxWorkers: 1,
          // After everything else: it measures nothing while other suites keep both cores busy.
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'simulation',
          include: ['tests/simulation/*.test.ts'],
          fileParallelism: false,
          maxWorkers: 1,
          // Its worlds run in processes of their own, which keep both cores busy.
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
