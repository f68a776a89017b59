// npm run soak: what is too long for every change. Each part runs to its end, also after one has failed.
//
//   npm run soak                    an hour of simulation, the bug zoo, all chaos faults
//   npm run soak -- --minutes 5     less simulation
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, from: { type: 'string', default: String(Date.now() % 1e9) } },
});

const simulation = ['tests/simulation/main.ts', '--seeds', '1000000', '--from', values.from];
const half = String(Number(values.minutes) / 2);
const parts: readonly (readonly [string, readonly string[]])[] = [
  ['simulation, safety', [...simulation, '--mode', 'safety', '--minutes', half]],
  ['simulation, liveness', [...simulation, '--mode', 'liveness', '--minutes', half]],
  ['bug zoo', ['tests/simulation/main.ts', '--zoo']],
  ['chaos', ['tests/chaos/main.ts', '--long']],
];

let failed = 0;
for (const [name, args] of parts) {
  process.stdout.write(`=== ${name}\n`);
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) failed++;
  process.stdout.write(`=== ${name}: ${status === 0 ? 'passed' : 'failed'}\n`);
}
process.exitCode = failed === 0 ? 0 : 1;
