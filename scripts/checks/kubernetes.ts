// Every environment, rendered: against the schemas where the shared validator is there, and by rules of our own always.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Setting } from '@stoa/chassis/config';
import type { Outcome } from './contracts.ts';
import { type Document, documentsOf, objectOf } from './documents.ts';
import { linkerdRules } from './mesh.ts';
import { differencesOf, manifestTable, runtimeTable } from './policy-equality.ts';
import { brokenReferences } from './references.ts';
import { rolloutProblems } from './rollouts.ts';
import { root, runTool } from './run-tool.ts';
import { graceProblems, type ReadSettings, unreadSettings } from './settings.ts';
import { skaffoldProblems } from './skaffold.ts';

const FOLDER = 'mesh/environments';
const VALIDATOR = join(root, '..', 'shared', 'validate-manifests.mjs');
/** Pods that not every environment makes: CloudNativePG's instances, the auditor, what canaries need. */
const FOREIGN_PODS = ['postgres', 'auditor', 'canary-step', 'canary-settle'];

interface Rendering {
  readonly name: string;
  readonly text: string;
  readonly documents: readonly Document[];
}

export function environmentNames(): string[] {
  return readdirSync(join(root, FOLDER), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

export async function environments(): Promise<Outcome> {
  const render = await findKustomize();
  if (render === undefined)
    return { ok: true, skipped: true, note: 'not checked: no kubectl or kustomize on this machine' };
  const renderings: Rendering[] = [];
  const details: string[] = [];
  for (const name of environmentNames()) {
    const { ok, output } = await runTool(render.command, [...render.args, `${FOLDER}/${name}`]);
    if (ok) renderings.push({ name, text: output, documents: documentsOf(name, output) });
    else details.push(`${name}: ${output}`);
  }
  details.push(...(await schemaProblems(renderings)));
  const settings = await readSettings();
  for (const rendering of renderings) details.push(...(await ownRules(rendering, settings)));
  details.push(...skaffoldProblems(readText('skaffold.yaml'), renderings));
  const count = renderings.reduce((sum, { documents }) => sum + documents.length, 0);
  const schemas = existsSync(VALIDATOR) ? '' : ', own rules only: the shared validator is not here';
  return { ok: details.length === 0, note: `${renderings.length} environments, ${count} objects${schemas}`, details };
}

async function findKustomize(): Promise<{ command: string; args: string[] } | undefined> {
  if ((await runTool('kubectl', ['kustomize', '--help'])).ok) return { command: 'kubectl', args: ['kustomize'] };
  if ((await runTool('kustomize', ['version'])).ok) return { command: 'kustomize', args: ['build'] };
  return undefined;
}

async function schemaProblems(renderings: readonly Rendering[]): Promise<string[]> {
  if (!existsSync(VALIDATOR)) return [];
  const folder = mkdtempSync(join(tmpdir(), 'stoa-rendered-'));
  try {
    const files = renderings.map(({ name, text }) => {
      const file = join(folder, `${name}.yaml`);
      writeFileSync(file, text);
      return file;
    });
    const committed = ['skaffold.yaml', 'docs/generated/asyncapi.yaml'];
    const { ok, output } = await runTool(process.execPath, [VALIDATOR, '--quiet', ...files, ...committed]);
    return ok ? [] : output.replaceAll(`${folder}/`, '').split('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ownRules({ name, documents }: Rendering, settings: ReadSettings): Promise<string[]> {
  const secrets = await secretsOf(name);
  return [
    ...brokenReferences({ name, documents, secrets, foreignPods: FOREIGN_PODS }),
    ...linkerdRules(documents),
    ...[
      ...unreadSettings(documents, settings),
      ...graceProblems(documents),
      ...rolloutProblems(documents),
      ...(await policyProblems(documents)),
    ].map((why) => `${name}: ${why}`),
  ];
}

/** What is deployed with the mesh enforces what the chassis does, whatever components changed on the way. */
async function policyProblems(documents: readonly Document[]): Promise<string[]> {
  if (!documents.some(({ kind }) => kind === 'GRPCRoute')) return [];
  const [{ loadContracts }, { SERVICES }] = await Promise.all([
    import('../generate/contracts.ts'),
    import('@stoa/cli/services'),
  ]);
  return differencesOf(runtimeTable(await loadContracts(), SERVICES), manifestTable(documents));
}

/** Production's secrets come by reference, all others are generated. */
async function secretsOf(environment: string): Promise<Map<string, ReadonlySet<string> | undefined>> {
  if (environment === 'prod') {
    const external = documentsOf('secrets', readText('mesh/platform/secrets/external-secrets.yaml'));
    return new Map(external.map(({ spec, name }) => [String(objectOf(spec.target).name ?? name), undefined]));
  }
  const { generateSecrets } = await import('../../mesh/environments/secrets.ts');
  const generated = await generateSecrets(environment);
  return new Map(generated.map(({ metadata, stringData }) => [metadata.name, new Set(Object.keys(stringData))]));
}

async function readSettings(): Promise<ReadSettings> {
  const [{ hostConfig }, { SERVICES }] = await Promise.all([
    import('@stoa/chassis/host/host-config'),
    import('@stoa/cli/services'),
  ]);
  return {
    common: Object.values(hostConfig),
    own: new Map(SERVICES.map(({ name, config }) => [name, Object.values(config) as Setting[]])),
  };
}

function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
