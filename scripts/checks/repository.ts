// The repository as the rules see it: its files as text, and which workspace each belongs to. Rules get this and
// read nothing themselves, so a test hands them a few lines that break a rule.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type Import, importsOf, packageOf } from './imports.ts';
import { type Scan, scan } from './scan.ts';

export interface Finding {
  readonly path: string;
  /** From 1; left out when the finding is about the file as a whole. */
  readonly line?: number;
  readonly message: string;
}

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly scan: Scan;
  readonly imports: readonly Import[];
}

export interface Workspace {
  /** '' is the root package: scripts, tests, bench. */
  readonly folder: string;
  readonly name: string;
  readonly manifest: Manifest;
}

export interface Manifest {
  readonly name?: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Repository {
  readonly texts: ReadonlyMap<string, string>;
  /** Handwritten TypeScript and JavaScript. */
  readonly sources: readonly SourceFile[];
  readonly workspaces: readonly Workspace[];
}

const notGitFolders = new Set(['.git', '.stoa', 'node_modules', 'coverage']);

/** From the working tree: what git tracks and what it would, so that a check before `git add` sees new files. */
export function readRepository(root: string): Repository {
  const texts: Record<string, string> = {};
  for (const path of listFiles(root)) {
    const full = join(root, path);
    if (!existsSync(full)) continue;
    const text = readFileSync(full, 'utf8');
    if (!text.includes('\0')) texts[path] = text;
  }
  return repositoryOf(texts);
}

export function repositoryOf(texts: Readonly<Record<string, string>>): Repository {
  const paths = Object.keys(texts).sort();
  return {
    texts: new Map(paths.map((path) => [path, texts[path] as string])),
    sources: paths.filter((path) => isSource(path)).map((path) => sourceFile(path, texts[path] as string)),
    workspaces: paths
      .filter((path) => posix.basename(path) === 'package.json')
      .map((path) => workspace(path, texts[path] as string)),
  };
}

export function isGenerated(path: string): boolean {
  return /(^|\/)(gen|generated)\//.test(path);
}

/** Code that runs only under test: free to use the ambient world and the root's development tools. */
export function isTestCode(path: string): boolean {
  return /(^|\/)tests\//.test(path) || path.includes('/src/testing/');
}

export function workspaceOf(repository: Repository, path: string): Workspace | undefined {
  return repository.workspaces
    .filter(({ folder }) => folder === '' || path.startsWith(`${folder}/`))
    .sort((a, b) => b.folder.length - a.folder.length)[0];
}

/** The file of this repository that an import means; undefined for packages from outside. */
export function fileOf(repository: Repository, from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  const name = packageOf(specifier);
  const target = repository.workspaces.find((candidate) => candidate.name === name);
  if (target === undefined || name === undefined) return undefined;
  const key = `.${specifier.slice(name.length)}`;
  const exact = target.manifest.exports?.[key];
  const mapped = exact ?? target.manifest.exports?.['./*']?.replace('*', key.slice(2));
  return mapped === undefined ? undefined : posix.join(target.folder, mapped);
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function isSource(path: string): boolean {
  return /\.(ts|tsx|mts|mjs|js)$/.test(path) && !isGenerated(path);
}

function sourceFile(path: string, text: string): SourceFile {
  const scanned = scan(text);
  return { path, text, scan: scanned, imports: importsOf(text, scanned) };
}

function workspace(path: string, text: string): Workspace {
  const manifest = JSON.parse(text) as Manifest;
  const folder = posix.dirname(path);
  return { folder: folder === '.' ? '' : folder, name: manifest.name ?? '', manifest };
}

function listFiles(root: string): string[] {
  try {
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 64 * 1024 * 1024,
    });
    return [...new Set(listed.split('\0').filter((path) => path !== ''))];
  } catch {
    // Not a git working tree (a source archive): everything that is not known to be local.
    return walk(root, '');
  }
}

function walk(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return notGitFolders.has(entry.name) ? [] : walk(root, path);
    return entry.isFile() ? [path] : [];
  });
}
