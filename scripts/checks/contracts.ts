// The contracts: lint and form, no breaking change since the last release, and generated code that is what the
// contracts say.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
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

/** Names the commit to compare with while there is no release yet. */
const baselineFile = 'proto/BASELINE';

export async function bufBreaking(): Promise<Outcome> {
  const baseline = await findBaseline();
  if ('outcome' in baseline) return baseline.outcome;
  const note = `against ${baseline.name}`;
  return inTemporaryFolder(async (folder) => {
    const archive = join(folder, 'contracts.tar');
    const target = join(folder, 'contracts');
    // Unpacked by ourselves and not fetched by buf, so that worktrees and unusual clones work as well.
    const steps: [string, string[]][] = [
      ['git', ['archive', '--format=tar', '-o', archive, baseline.commit, 'proto', 'buf.yaml']],
      ['tar', ['-xf', archive, '-C', target]],
      ['buf', ['breaking', '--against', target]],
    ];
    mkdirSync(target);
    for (const [command, args] of steps) {
      const { ok, output } = await runTool(command, args);
      if (!ok) return { ok: false, note, details: output.split('\n') };
    }
    return { ok: true, note };
  });
}

type Baseline = { readonly name: string; readonly commit: string } | { readonly outcome: Outcome };

async function findBaseline(): Promise<Baseline> {
  const shallow = await runTool('git', ['rev-parse', '--is-shallow-repository']);
  if (!shallow.ok) return skip('not a git clone, so there is nothing to compare with');
  const tag = await lastRelease();
  if (tag !== undefined) return { name: tag, commit: tag };
  if (shallow.output === 'true') {
    return skip('a shallow clone without releases: fetch the history and the tags');
  }
  const file = join(root, baselineFile);
  if (statSync(file, { throwIfNoEntry: false }) === undefined) {
    return skip(`no baseline yet: no release (v*) and no ${baselineFile}`);
  }
  const commit = readFileSync(file, 'utf8').trim();
  const known = await runTool('git', ['rev-parse', '--verify', '--quiet', `${commit}^{commit}`]);
  if (known.ok) return { name: `commit ${commit.slice(0, 12)} (${baselineFile})`, commit };
  return { outcome: { ok: false, details: [`${baselineFile} names ${commit}, which is not a commit here`] } };
}

function skip(note: string): Baseline {
  return { outcome: { ok: true, skipped: true, note } };
}

/** The newest `v*` tag behind HEAD. A tag on HEAD itself is this release, which is to be compared with the one before. */
async function lastRelease(): Promise<string | undefined> {
  const sorted = ['tag', '--list', 'v*', '--merged', 'HEAD', '--sort=-version:refname'];
  const [all, own] = await Promise.all([
    runTool('git', sorted),
    runTool('git', ['tag', '--list', 'v*', '--points-at', 'HEAD']),
  ]);
  if (!all.ok || !own.ok) return undefined;
  const here = new Set(own.output.split('\n'));
  return all.output.split('\n').find((tag) => tag !== '' && !here.has(tag));
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
