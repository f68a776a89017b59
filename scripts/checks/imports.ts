// What a module imports: static imports, re-exports, dynamic imports and import types, with a literal specifier.

import type { Scan } from './scan.ts';

export interface Import {
  readonly specifier: string;
  /** Erased at run time: `import type`, `export type`. An `import { type A }` still loads the module. */
  readonly typeOnly: boolean;
  readonly start: number;
}

const forms = [
  /(?<![\w$.])import\s+(?<type>type\s+(?!from\b))?[\w$\s{},*'"]*?\bfrom\s*['"]/g,
  /(?<![\w$.])import\s*['"]/g,
  /(?<![\w$.])export\s+(?<type>type\s*)?(?:\*(?:\s*as\s+[\w$'"\s]+?)?|\{[^}]*\})\s*from\s*['"]/g,
  // A query like typeof import('x') cannot be told from import('x') here: both count as values.
  /(?<![\w$.])import\s*\(\s*['"`]/g,
];

export function importsOf(source: string, { code }: Scan): Import[] {
  const found: Import[] = [];
  for (const form of forms) {
    for (const match of code.matchAll(form)) {
      const open = match.index + match[0].length - 1;
      const close = code.indexOf(code[open] as string, open + 1);
      found.push({
        specifier: source.slice(open + 1, close),
        typeOnly: match.groups?.type !== undefined,
        start: match.index,
      });
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

/** `@scope/name/sub/path` is of package `@scope/name`; undefined for a relative specifier. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('/') || specifier.startsWith('node:')) return undefined;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
