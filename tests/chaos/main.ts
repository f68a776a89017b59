// npm run chaos [-- --fault "F9,F16c"] [--ci] [--long] [--rounds N] [--orders N] [--report FILE]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openArena } from './arena.ts';
import { renderReport } from './report.ts';
import { type FaultOutcome, runFault, slowness } from './run-fault.ts';
import { ciFaults, FAULTS, faultsNamed, shortFaults } from './schedule.ts';

const { values } = parseArgs({
  options: {
    fault: { type: 'string' },
    ci: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '1' },
    orders: { type: 'string', default: '40' },
    report: { type: 'string' },
  },
});

function chosen() {
  if (values.fault !== undefined) return faultsNamed(values.fault.split(',').map((id) => id.trim()));
  if (values.ci) return ciFaults();
  return values.long ? FAULTS : shortFaults();
}

const startedAt = new Date();
const faults = chosen();
const outcomes: FaultOutcome[] = [];
const needs = (what: string) => faults.some((fault) => fault.needs === what || fault.likes === what);
const arena = await openArena({ withDisks: needs('disks'), withClock: needs('clock'), withLink: needs('link') });
try {
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const fault of faults) {
      const ran = await runFault(arena, fault, Number(values.orders));
      const outcome = { ...ran, violations: [...ran.violations, ...slowness(ran)] };
      outcomes.push(outcome);
      const { impossible, orders, violations, recoveryMs } = outcome;
      const told = impossible ?? `${orders} orders, recovered in ${(recoveryMs / 1000).toFixed(1)} s`;
      process.stdout.write(
        `${violations.length === 0 ? 'ok  ' : 'FAIL'}  ${fault.id.padEnd(24)} ${fault.title}: ${told}\n`,
      );
      for (const violation of violations) process.stdout.write(`        ${violation}\n`);
      // Each time: a run of an hour that is cut off has been worth something.
      if (values.report !== undefined) {
        writeFileSync(values.report, renderReport(outcomes, startedAt, Date.now() - startedAt.getTime()));
      }
    }
  }
} finally {
  await arena.stop();
}
const failed = outcomes.filter(({ violations }) => violations.length > 0).length;
process.stdout.write(`${outcomes.length - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
