// Another version of the code: a copy of the working tree, with a change or without.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../../../scripts/checks/run-tool.ts';

export interface Change {
  readonly file: string;
  /** Must occur exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

const PARTS = ['package.json', 'cli', 'chassis', 'proto', 'services', 'bff'];

/** Copies what a version runs on into `folder`; packages are found by whoever starts it. */
export function copyVersion(folder: string, change?: Change): string {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z', ...PARTS];
  const files = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\0');
  for (const file of files) {
    if (file === '' || !existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  if (change === undefined) return folder;
  const path = join(folder, change.file);
  const source = readFileSync(path, 'utf8');
  const count = source.split(change.find).length - 1;
  if (count !== 1) throw new Error(`the text to change occurs ${count} times in ${change.file}, not once`);
  writeFileSync(
    path,
    source.replace(change.find, () => change.replace),
  );
  return folder;
}
