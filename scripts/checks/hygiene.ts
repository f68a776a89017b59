// What keeps the sources honest and readable: no holes in the types, no test that does not run, no file that nobody
// reads to the end, no commerce in the chassis.

import { type Finding, isGenerated, isTestCode, lineAt, type Repository, type SourceFile } from './repository.ts';

const linesMax = 400;
const commerceWords = new Set(['cart', 'sku', 'payment', 'price', 'checkout', 'shipment', 'catalog', 'inventory']);

/**
 * Type arguments (`Handler<any>`), and tests that read whatever a query selects, are left to Biome, which wants a
 * reason for each; production code has none.
 */
export function typeHoles({ sources }: Repository): Finding[] {
  return sources.flatMap((file) => [
    ...(isTestCode(file.path) ? [] : matches(file, /\bas\s+any\b|:\s*any\b(?!\s*[:(])/g, 'say what it is, or unknown')),
    ...file.scan.comments
      .filter(({ text }) => /@ts-(ignore|nocheck)\b/.test(text))
      .map(({ start }) => at(file, start, 'silences the compiler: mend the type')),
  ]);
}

export function runningTests({ sources, texts }: Repository): Finding[] {
  const tests = sources.filter(({ path }) => isTestCode(path));
  const files = tests.flatMap((file) => [
    ...matches(file, /\.(only|skip|todo)\s*[.(]/g, 'a test that is skipped, or that skips the others'),
    ...matches(file, /\b(?:it|test|describe)\b.*\bretry:/g, 'a test that passes the second time has found something'),
  ]);
  const config = sources.filter(({ path }) => /(^|\/)vitest\.config\.[mc]?ts$/.test(path));
  const options = config.flatMap((file) => matches(file, /\bretry\b/g, 'tests are not retried'));
  const commands = [...texts]
    .filter(([path]) => /(^|\/)package\.json$|^\.ci\//.test(path))
    .filter(([, text]) => /--retry\b/.test(text))
    .map(([path]) => ({ path, message: 'tests are not retried' }));
  return [...files, ...options, ...commands];
}

export function fileLength({ texts }: Repository): Finding[] {
  return [...texts]
    .filter(([path]) => /\.(ts|tsx|mts|mjs|js|sql|sh)$/.test(path) && !isGenerated(path))
    .map(([path, text]) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, lines }) => ({ path, message: `${lines} lines, the limit is ${linesMax}: split it by purpose` }));
}

/** Identifiers only: prose may say "in order", and an example in a comment may be about carts. */
export function chassisWords({ sources }: Repository): Finding[] {
  const chassis = sources.filter(({ path }) => path.startsWith('chassis/src/') && !isTestCode(path));
  return chassis.flatMap((file) =>
    [...file.scan.code.matchAll(/[\w$]+/g)]
      .filter(([identifier]) => wordsIn(identifier).some((word) => commerceWords.has(word.replace(/s$/, ''))))
      .map((match) => at(file, match.index, `${match[0]}: the chassis knows no commerce`)),
  );
}

function wordsIn(identifier: string): string[] {
  return identifier
    .replace(/([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3_$2$4')
    .toLowerCase()
    .split(/[_$]+/);
}

function matches(file: SourceFile, pattern: RegExp, message: string): Finding[] {
  return [...file.scan.code.matchAll(pattern)].map((match) => at(file, match.index, `${match[0].trim()}: ${message}`));
}

function at(file: SourceFile, offset: number, message: string): Finding {
  return { path: file.path, line: lineAt(file.text, offset), message };
}
