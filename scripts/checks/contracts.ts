// The contracts: lint and form, no breaking change since the last release, and generated code that is what the
// contracts say.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, runTool } from './run-tool.ts';

export interface Outcome {
  readonly ok: boolean;
  /** Could not be judged here; `note` says why. Not a failure, and not a pass either. */
  readonly skipped?: true;
  /** Said on the check's line. */
  readonly note?: string;
  readonly details?: readonly string[];
}

/** The contracts as they were last released, as a buf image: needs no tags and no history, which CI may not have. */
const released = 'proto/released.binpb';

/** @param folder - where the contracts and `buf.yaml` are */
export async function bufBreaking(folder = root): Promise<Outcome> {
  const { ok, output } = await runTool('buf', ['breaking', folder, '--against', released]);
  return { ok, details: ok ? [] : output.split('\n') };
}

export async function generatedCode(): Promise<Outcome> {
  return inTemporaryFolder(async (folder) => {
    const { ok, output } = await runTool('buf', ['generate', '-o', folder]);
    if (!ok) return { ok: false, details: output.split('\n') };
    const details = differences(join(root, 'proto', 'gen'), join(folder, 'proto', 'gen')).map(
      (difference) => `proto/gen/${difference}`,
    );
    if (details.length > 0) details.push('run: npm run generate');
    return { ok: details.length === 0, details };
  });
}

/** How a folder differs from what it should be, one line for each file. */
export function differences(folder: string, expected: string): string[] {
  const [present, wanted] = [filesIn(folder), filesIn(expected)];
  return [...new Set([...present, ...wanted])].sort().flatMap((path) => {
    if (!present.has(path)) return [`${path} is missing`];
    if (!wanted.has(path)) return [`${path} is not generated from anything`];
    const same = readFileSync(join(folder, path)).equals(readFileSync(join(expected, path)));
    return same ? [] : [`${path} is not what the contracts say`];
  });
}

function filesIn(folder: string): Set<string> {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return new Set(entries.filter((path) => statSync(join(folder, path)).isFile()));
}

async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'stoa-check-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
