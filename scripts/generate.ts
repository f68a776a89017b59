// npm run generate: writes everything that is derived from the contracts: code (buf), the mesh's and the broker's policy,
// the reference documents. `npm run check` fails while what is committed differs from this.

import { root, runTool } from './checks/run-tool.ts';

const startedAt = performance.now();
const { ok, output } = await runTool('buf', ['generate']);
if (output !== '') process.stderr.write(`${output}\n`);
if (ok) {
  // Loaded late: the rest reads the code that has just been written.
  const { currentArtefacts, writeArtefacts } = await import('./generate/write.ts');
  const all = await currentArtefacts();
  writeArtefacts(root, all);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`Generated ${root}/proto/gen and ${all.length} files of policy and reference in ${seconds} s\n`);
}
process.exitCode = ok ? 0 : 1;
