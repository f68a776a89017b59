// No file may reach itself through what it imports: a cycle makes the result depend on who is loaded first.
// Imports of types alone are erased and do not count.

import { type Finding, fileOf, type Repository } from './repository.ts';

export function importCycles(repository: Repository): Finding[] {
  const edges = new Map(
    repository.sources.map((file) => [
      file.path,
      file.imports
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ specifier }) => fileOf(repository, file.path, specifier))
        .filter((target) => target !== undefined),
    ]),
  );
  const findings: Finding[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const cycle = [...trail.slice(start), path];
      findings.push({ path, message: `imports itself: ${cycle.join(' -> ')}` });
      return;
    }
    if (done.has(path)) return;
    for (const target of edges.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return findings;
}
