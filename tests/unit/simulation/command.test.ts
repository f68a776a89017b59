// What `npm run sim` makes of arguments that mean nothing: it says so, and runs no world.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const main = fileURLToPath(new URL('../../simulation/main.ts', import.meta.url));

test.each([
  [['--seeds', '0'], '--seeds is a whole number from 1'],
  [['--seed', 'x'], '--seed is a whole number from 0'],
  [['--workers', '0'], '--workers is a whole number from 1'],
  [['--minutes', 'x'], '--minutes is a number above 0'],
  [['--mode', 'chaos'], '--mode is safety or liveness'],
  [['--sneeds', '1'], "Unknown option '--sneeds'"],
  [['--zoo', '--bug', 'none'], 'there is no bug "none"'],
])('%s is refused', (args, problem) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  expect(stdout + stderr).toContain(problem);
  expect(status).toBe(2);
});
