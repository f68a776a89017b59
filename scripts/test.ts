// npm test: every suite, prepared by itself (dependencies by with-setup, servers by tests/setup). The last line says
// how many passed and failed; a test file that does not load, or a hook that throws, is a failure like any other.
//
//   npm test                               everything
//   npm test -- unit services/orders       suites by name, files by part of their path, in any order
//   npm test -- integration -t 'replayed'  and whatever vitest's command line knows

import { parseCLI, startVitest, type TestCase, type TestModule, type TestSuite, type Vitest } from 'vitest/node';
import { root } from './checks/run-tool.ts';

const suites = ['unit', 'integration', 'contract', 'e2e', 'simulation'];

interface Counts {
  passed: number;
  failed: number;
}

function count(vitest: Vitest): Counts {
  const counts: Counts = { passed: 0, failed: vitest.state.getUnhandledErrors().length };
  for (const module of vitest.state.getTestModules()) countModule(module, counts);
  return counts;
}

function countModule(module: TestModule, counts: Counts): void {
  const before = counts.failed;
  for (const test of module.children.allTests()) countTest(test, counts);
  for (const suite of module.children.allSuites()) counts.failed += ownErrors(suite);
  counts.failed += ownErrors(module);
  // Failed, or never run to its end, for a reason that none of its parts shows.
  if (!module.ok() && counts.failed === before) counts.failed += 1;
}

function countTest(test: TestCase, counts: Counts): void {
  const { state } = test.result();
  if (state === 'passed') counts.passed += 1;
  // Pending: the run ended before the test did, for instance because its process died.
  if (state === 'failed' || state === 'pending') counts.failed += 1;
}

function ownErrors(suite: TestSuite | TestModule): number {
  return suite.errors().length > 0 ? 1 : 0;
}

async function main(args: readonly string[]): Promise<number> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args]);
  const project = [...[options.project ?? []].flat(), ...filter.filter((word) => suites.includes(word))];
  const paths = filter.filter((word) => !suites.includes(word));
  const vitest = await startVitest(paths, {
    ...options,
    root,
    watch: false,
    ...(project.length === 0 ? {} : { project }),
  });
  const { passed, failed } = count(vitest);
  const ok = failed === 0 && passed > 0 && !process.exitCode;
  await print(`${passed} passed, ${failed} failed\n`);
  return ok ? 0 : 1;
}

/** Waits until it is written: we exit right after, and a pipe would lose it. */
function print(text: string): Promise<void> {
  return new Promise((done) => process.stdout.write(text, () => done()));
}

// exit: something that a test has left open in this process must not keep a finished run from ending.
process.exit(await main(process.argv.slice(2)));
