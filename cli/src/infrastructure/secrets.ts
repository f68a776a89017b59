// home/secrets.json: what was generated for this home and must survive restarts (database password, signing keys).
// Readable by the owner only; written whole and renamed into place, so a crash leaves the old or the new file.
// Call updateSecrets() while holding the home's lock.

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export type Secrets = Readonly<Record<string, string>>;

export function readSecrets(home: string): Secrets {
  const path = join(home, 'secrets.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  try {
    return JSON.parse(text) as Secrets;
  } catch {
    throw new Error(`${path} is not valid JSON: restore it, or delete ${home} to start afresh.`);
  }
}

/** Merges `changes` into what is stored and returns the result. */
export function updateSecrets(home: string, changes: Secrets): Secrets {
  mkdirSync(home, { recursive: true });
  const merged = { ...readSecrets(home), ...changes };
  const path = join(home, 'secrets.json');
  const next = `${path}.${process.pid}`;
  const file = openSync(next, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify(merged, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(next, path);
  return merged;
}
