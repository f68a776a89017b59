// vitest transforms TypeScript, Node strips it: an enum, or a type imported as a value, passes every other test and
// fails at the start of the real program. So every entry point's imports are loaded here by plain Node, in a process
// of its own. The entry points themselves would start servers; of them only the syntax is checked.

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { importsOf } from '../../scripts/checks/imports.ts';
import { root } from '../../scripts/checks/run-tool.ts';
import { scan } from '../../scripts/checks/scan.ts';

const workspaces = [...readdirSync(join(root, 'services')).map((name) => `services/${name}`), 'bff'];
const entryPoints = [...workspaces, 'cli'].map((workspace) => `${workspace}/src/main.ts`);

/** Prints, for each URL, what went wrong on importing it; null when nothing did. */
const program = `
const urls = JSON.parse(process.argv[1]);
const outcomes = {};
for (const url of urls) outcomes[url] = await import(url).then(() => null, (error) => String(error?.stack ?? error));
process.stdout.write(JSON.stringify(outcomes), () => process.exit());
`;

let outcomes: Record<string, string | null>;

function importedBy(entryPoint: string): string[] {
  const path = join(root, entryPoint);
  const source = readFileSync(path, 'utf8');
  const { resolve } = createRequire(path);
  return importsOf(source, scan(source))
    .filter(({ typeOnly, specifier }) => !typeOnly && !specifier.startsWith('node:'))
    .map(({ specifier }) => pathToFileURL(resolve(specifier)).href);
}

function present(entryPoint: string): boolean {
  return existsSync(join(root, entryPoint));
}

beforeAll(async () => {
  const urls = [...new Set(entryPoints.filter(present).flatMap(importedBy))];
  const args = ['--input-type=module', '--eval', program, JSON.stringify(urls)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 60_000 });
  outcomes = JSON.parse(stdout);
}, 60_000);

describe.each(entryPoints)('%s', (entryPoint) => {
  it('exists', () => {
    expect(present(entryPoint)).toBe(true);
  });

  it('has only syntax that Node can strip', () => {
    expect(() => stripTypeScriptTypes(readFileSync(join(root, entryPoint), 'utf8'))).not.toThrow();
  });

  it('imports only what loads under plain Node', () => {
    const failures = importedBy(entryPoint).map((url) => outcomes[url]);
    expect(failures.filter((failure) => failure !== null)).toEqual([]);
  });
});
