// Every contract of the repository, as descriptors. Found by looking, so that a new file needs no registration; sorted,
// so that what is generated does not depend on the file system.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DescFile, DescMessage, DescService } from '@bufbuild/protobuf';
import { root } from '../checks/run-tool.ts';

export interface Contracts {
  /** Our services, chassis' own included; not those of the gRPC project. */
  readonly services: readonly DescService[];
  /** Messages that travel as events or commands, and all others. */
  readonly messages: readonly DescMessage[];
}

/** Loads the generated modules under proto/gen/stoa. */
export async function loadContracts(): Promise<Contracts> {
  const folder = join(root, 'proto', 'gen', 'stoa');
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('_pb.ts'));
  const modules = await Promise.all(paths.sort().map((path) => import(pathToFileURL(join(folder, path)).href)));
  return contractsOf(modules.flatMap((module) => Object.values(module).filter(isFile)));
}

export function contractsOf(files: readonly DescFile[]): Contracts {
  const byName = <T extends { typeName: string }>(a: T, b: T) => (a.typeName < b.typeName ? -1 : 1);
  return {
    services: files.flatMap(({ services }) => services).sort(byName),
    messages: files.flatMap(({ messages }) => messages).sort(byName),
  };
}

function isFile(value: unknown): value is DescFile {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'file';
}
