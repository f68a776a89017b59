// Where the code of a canary is: another checkout, or a git ref that is laid out below the home.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '@stoa/chassis/config';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MAIN = 'cli/src/main.ts';
/** A version without it would be one more replica of the stable one. */
const KNOWS_CANARIES = 'chassis/src/events/lane.ts';

export interface Checkout {
  /** The root of the repository. */
  readonly root: string;
  /** Its entry point. */
  readonly main: string;
}

/** Finds or lays out the code; throws a ConfigError that says what is wrong. */
export function openCheckout(source: string, home: string): Checkout {
  const path = resolve(source);
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const root = isFolder ? rootOf(path) : layOut(source, home);
  if (root === undefined) throw new ConfigError(`--canary: ${path} is no checkout of Stoa, nor inside one.`);
  if (!existsSync(join(root, KNOWS_CANARIES))) {
    throw new ConfigError(
      `--canary: "${source}" is too old to run beside another version (docs/decisions/0010-canary.md).`,
    );
  }
  if (!existsSync(join(root, 'node_modules'))) linkModules(root);
  return { root, main: join(root, MAIN) };
}

function rootOf(path: string): string | undefined {
  if (existsSync(join(path, MAIN))) return path;
  const parent = dirname(path);
  return parent === path ? undefined : rootOf(parent);
}

function layOut(ref: string, home: string): string {
  const commit = commitOf(ref);
  const root = join(home, 'canary', commit.slice(0, 12));
  if (existsSync(root)) return root;
  const draft = `${root}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    const archive = execFileSync('git', ['archive', '--format=tar', commit], { cwd: ROOT, maxBuffer: 2 ** 30 });
    execFileSync('tar', ['-x', '-C', draft], { input: archive });
    renameSync(draft, root);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return root;
}

function commitOf(ref: string): string {
  try {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`];
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    throw new ConfigError(`--canary: "${ref}" is neither a folder nor a git ref of this repository.`);
  }
}

/** The packages of this checkout, with the other one's own workspaces: a link to our folder would lead to our code. */
function linkModules(root: string): void {
  const ours = join(ROOT, 'node_modules');
  const theirs = join(root, 'node_modules');
  mkdirSync(join(theirs, '@stoa'), { recursive: true });
  for (const name of readdirSync(ours)) if (name !== '@stoa') symlinkSync(join(ours, name), join(theirs, name));
  for (const name of readdirSync(join(ours, '@stoa'))) {
    symlinkSync(readlinkSync(join(ours, '@stoa', name)), join(theirs, '@stoa', name));
  }
}
