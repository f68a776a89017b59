// npm run check: everything that can be said about the sources without running them. All checks run, whatever the
// others find; one line each, then what was found. `npm run check -- arrows buf` runs those whose name contains a word.

import { availableParallelism } from 'node:os';
import { ambientThings } from './checks/ambient.ts';
import { importArrows, serviceLayers } from './checks/arrows.ts';
import { bufBreaking, generatedCode, type Outcome } from './checks/contracts.ts';
import { importCycles } from './checks/cycles.ts';
import { chassisWords, fileLength, runningTests, typeHoles } from './checks/hygiene.ts';
import { environments } from './checks/kubernetes.ts';
import { generatedPolicy, routesByHand, samePolicy } from './checks/mesh.ts';
import { alertedMetrics, overwrittenLabels } from './checks/metrics.ts';
import { declaredPackages, pinnedPackages, registryNames } from './checks/packages.ts';
import { queries } from './checks/prometheus.ts';
import { type Finding, type Repository, readRepository } from './checks/repository.ts';
import { root, runTool } from './checks/run-tool.ts';

/** Enough to begin mending; a broken import can bring thousands of lines. */
const detailsMax = 100;

interface Check {
  readonly name: string;
  run(): Promise<Outcome>;
}

let repository: Repository | undefined;

const checks: readonly Check[] = [
  tool('contracts up to date (buf generate)', generatedCode),
  tool('policy and reference up to date (npm run generate)', generatedPolicy),
  tool('mesh policy is the run-time policy', samePolicy),
  tool('environments (kustomize)', environments),
  tool('queries of alerts and analyses (promtool)', queries),
  tool('no breaking change (buf breaking)', bufBreaking),
  tool('types (tsc)', command('tsc', '-p', 'tsconfig.json')),
  tool('format and lint (biome ci)', command('biome', 'ci', '--error-on-warnings', '--colors=off', '.')),
  tool('contract lint (buf lint)', command('buf', 'lint')),
  tool('contract format (buf format)', command('buf', 'format', '--diff', '--exit-code')),
  rule('import arrows', importArrows),
  rule('layers of a service', serviceLayers),
  rule('no import cycles', importCycles),
  rule('no route, retry, timeout or policy by hand', routesByHand),
  rule('alerts on metrics that exist', alertedMetrics),
  rule('labels that Prometheus keeps', overwrittenLabels),
  rule('packages declared where used', declaredPackages),
  rule('packages pinned', pinnedPackages),
  rule('no registry named', registryNames),
  rule('no ambient time, randomness or drivers', ambientThings),
  rule('no commerce in the chassis', chassisWords),
  rule('no holes in the types', typeHoles),
  rule('every test runs, once', runningTests),
  rule('file length', fileLength),
];

function rule(name: string, find: (repository: Repository) => Finding[]): Check {
  return {
    name,
    run: async () => {
      repository ??= readRepository(root);
      const findings = find(repository);
      return {
        ok: findings.length === 0,
        details: findings.map(
          ({ path, line, message }) => `${path}${line === undefined ? '' : `:${line}`}  ${message}`,
        ),
      };
    },
  };
}

function tool(name: string, run: () => Promise<Outcome>): Check {
  return { name, run };
}

function command(program: string, ...args: string[]): () => Promise<Outcome> {
  return async () => {
    const { ok, output } = await runTool(program, args);
    return { ok, details: ok ? [] : output.split('\n') };
  };
}

type Verdict = 'ok' | 'FAIL' | 'skip';

async function report({ name, run }: Check, width: number): Promise<Verdict> {
  const startedAt = performance.now();
  const outcome = await run().catch(
    (error: unknown): Outcome => ({ ok: false, details: [error instanceof Error ? `${error.stack}` : `${error}`] }),
  );
  const { ok, skipped, note, details = [] } = outcome;
  const verdict = ok ? (skipped ? 'skip' : 'ok') : 'FAIL';
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const line = `${verdict.padEnd(4)}  ${name.padEnd(width)}  ${seconds.padStart(5)} s${note ? `  ${note}` : ''}`;
  const shown = details.slice(0, detailsMax);
  if (shown.length < details.length) shown.push(`… and ${details.length - shown.length} lines more`);
  process.stdout.write(`${[line, ...shown.map((detail) => `      ${detail}`)].join('\n')}\n`);
  return verdict;
}

/** A few at a time: most of the work is in other processes. Long ones stand first in the list. */
async function runAll(chosen: readonly Check[]): Promise<Record<Verdict, number>> {
  const width = Math.max(...chosen.map(({ name }) => name.length));
  const waiting = [...chosen];
  const counts = { ok: 0, FAIL: 0, skip: 0 };
  const worker = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      counts[await report(check, width)] += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism() + 1) }, worker));
  return counts;
}

const words = process.argv.slice(2);
const chosen = checks.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (chosen.length === 0) {
  process.stderr.write(`No check is called that. There are:\n${checks.map(({ name }) => `  ${name}\n`).join('')}`);
  process.exit(2);
}
const { ok, FAIL: failed, skip } = await runAll(chosen);
process.stdout.write(`${ok} checks passed, ${failed} failed${skip > 0 ? `, ${skip} skipped` : ''}\n`);
process.exitCode = failed === 0 ? 0 : 1;
