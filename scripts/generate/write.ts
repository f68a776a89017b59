// Writes the artefacts below a folder, and removes what is generated no longer.
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SERVICES } from '@stoa/cli/services';
import { artefacts, GENERATED_FOLDERS } from './artefacts.ts';
import { loadContracts } from './contracts.ts';
import type { Artefact } from './manifests.ts';
import { readModel } from './model.ts';

export async function currentModel() {
  return readModel(await loadContracts(), SERVICES);
}

export async function currentArtefacts(): Promise<Artefact[]> {
  return artefacts(await currentModel());
}

export function writeArtefacts(root: string, all: readonly Artefact[]): void {
  const wanted = new Set(all.map(({ path }) => path));
  for (const path of generatedFiles(root)) if (!wanted.has(path)) rmSync(join(root, path));
  for (const { path, text } of all) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  }
}

/** Files in the generated folders, by their path below `root`. */
export function generatedFiles(root: string): string[] {
  return GENERATED_FOLDERS.flatMap((folder) => {
    const full = join(root, folder);
    if (statSync(full, { throwIfNoEntry: false }) === undefined) return [];
    return readdirSync(full, { recursive: true, encoding: 'utf8' })
      .filter((path) => statSync(join(full, path)).isFile())
      .map((path) => `${folder}/${path}`);
  });
}
