// What goes into an image: node scripts/image.ts <source> <target> <services>, run by the Dockerfile before anything is
// installed. From the services' names ("orders", "orders,payments", or "cli" for everything) it follows the workspaces'
// dependencies and writes
//   <target>/manifests   what npm installs from, so that the layer of packages changes only when these do
//   <target>/app         sources and migrations of just those workspaces, without tests, and main.ts, which hosts them
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface Workspace {
  readonly folder: string;
  readonly manifest: Manifest;
}

const SCOPE = '@stoa/';
/** Never needed at run time. */
const LEFT_OUT = new Set(['tests', 'k8s', 'node_modules', 'README.md', 'testing', 'coverage']);

export function workspacesOf(source: string): Map<string, Workspace> {
  const { workspaces } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as { workspaces: string[] };
  const folders = workspaces.flatMap((pattern) =>
    pattern.endsWith('/*')
      ? readdirSync(join(source, dirname(pattern))).map((name) => `${dirname(pattern)}/${name}`)
      : [pattern],
  );
  return new Map(
    folders.map((folder) => {
      const manifest = JSON.parse(readFileSync(join(source, folder, 'package.json'), 'utf8')) as Manifest;
      return [manifest.name, { folder, manifest }];
    }),
  );
}

/** The named services' workspaces and all that they depend on, sorted by folder. */
export function closureOf(all: ReadonlyMap<string, Workspace>, services: readonly string[]): Workspace[] {
  const found = new Map<string, Workspace>();
  const visit = (name: string) => {
    const workspace = all.get(name);
    if (workspace === undefined) {
      throw new Error(`there is no workspace ${name}; there are ${[...all.keys()].join(', ')}`);
    }
    if (found.has(name)) return;
    found.set(name, workspace);
    for (const needed of Object.keys(workspace.manifest.dependencies ?? {})) {
      if (needed.startsWith(SCOPE)) visit(needed);
    }
  };
  for (const service of services) visit(`${SCOPE}${service}`);
  return [...found.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/** The program of the image. `cli` has its own, which can also host any services. */
export function mainOf(all: ReadonlyMap<string, Workspace>, services: readonly string[]): string {
  const [first] = services;
  if (first === undefined) throw new Error('SERVICES is empty: give names of services, or cli');
  if (services.length === 1) return `import './${all.get(`${SCOPE}${first}`)?.folder}/src/main.ts';\n`;
  const imports = services.map((name) => `import { ${name} } from '${SCOPE}${name}';\n`);
  return `import { runHost } from '${SCOPE}chassis/host/run-host';\n${imports.join('')}
await runHost([${services.join(', ')}]);\n`;
}

export function writeImage(source: string, target: string, services: readonly string[]): void {
  const all = workspacesOf(source);
  const chosen = closureOf(all, services);
  const manifests = ['package.json', 'package-lock.json', '.npmrc', ...chosen.map((w) => `${w.folder}/package.json`)];
  for (const path of manifests) copy(source, join(target, 'manifests'), path);
  copy(source, join(target, 'app'), 'package.json');
  for (const { folder } of chosen) copy(source, join(target, 'app'), folder);
  writeFileSync(join(target, 'app', 'main.ts'), mainOf(all, services));
}

function copy(source: string, target: string, path: string): void {
  mkdirSync(join(target, dirname(path)), { recursive: true });
  cpSync(join(source, path), join(target, path), {
    recursive: true,
    filter: (from) =>
      !relative(join(source, path), from)
        .split('/')
        .some((part) => LEFT_OUT.has(part)),
  });
}

if (import.meta.main) {
  const [source = '', target = '', services = ''] = process.argv.slice(2);
  writeImage(
    source,
    target,
    services.split(/[\s,]+/).filter((name) => name !== ''),
  );
}
