// npm run generate: writes everything that is derived from the contracts. `npm run check` fails while what is
// committed differs from this.

import { root, runTool } from './checks/run-tool.ts';

const startedAt = performance.now();
const { ok, output } = await runTool('buf', ['generate']);
if (output !== '') process.stderr.write(`${output}\n`);
if (ok) {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`Generated ${root}/proto/gen in ${seconds} s\n`);
}
process.exitCode = ok ? 0 : 1;
