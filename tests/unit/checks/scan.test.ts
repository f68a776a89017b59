import { describe, expect, it } from 'vitest';
import { importsOf } from '../../../scripts/checks/imports.ts';
import { scan } from '../../../scripts/checks/scan.ts';

function code(source: string): string {
  return scan(source).code;
}

function imports(source: string): [string, boolean][] {
  return importsOf(source, scan(source)).map(({ specifier, typeOnly }) => [specifier, typeOnly]);
}

describe('scan', () => {
  it('keeps every offset and line', () => {
    const source = "const a = 'x\\'y'; // z\n/* two\nlines */ const b = `t${a}u`;\n";
    expect(code(source)).toHaveLength(source.length);
    expect(code(source).split('\n')).toHaveLength(source.split('\n').length);
  });

  it.each([
    ['a comment', 'f(); // BAD', 'f(); '],
    ['a block comment', 'f(/* BAD */);', 'f();'],
    ['a string', "f('BAD \\' BAD');", "f('');"],
    ['a double-quoted string', 'f("it\'s BAD");', 'f("");'],
    ['the text of a template', 'f(`BAD $ {} BAD`);', 'f(``);'],
    ['a regular expression', "const r = /BAD '[/]'/g; g();", 'const r = //g; g();'],
    ['a regular expression after return', 'return /BAD"/;', 'return //;'],
  ])('leaves out %s', (_, source, expected) => {
    expect(code(source).replaceAll(' ', '')).toBe(expected.replaceAll(' ', ''));
  });

  it('keeps the code inside a template, however deep', () => {
    expect(code('`a ${f({ b: `c ${GOOD} d` })} e` + `${x}`')).toBe('`  ${f({ b: `  ${GOOD}  ` })}  ` + `${x}`');
  });

  it('takes a slash after a value for a division', () => {
    expect(code('const x = a / b; const y = (c) / d; const z = e[0] / GOOD;')).toContain('GOOD');
  });

  it('is not confused by an unfinished literal', () => {
    expect(code("f('open\nGOOD();")).toContain('GOOD');
    expect(code('/* open')).toBe('       ');
    expect(code('`open ${')).toBe('`     ${');
  });

  it('hands over the comments', () => {
    expect(scan("f(); // one\n/* two */ g('// no');").comments.map(({ text }) => text)).toEqual([
      '// one',
      '/* two */',
    ]);
  });
});

describe('importsOf', () => {
  it.each<[string, string, boolean]>([
    ["import a from 'x';", 'x', false],
    ["import 'x';", 'x', false],
    ["import * as a from 'x';", 'x', false],
    ["import a, { b as c, type D } from 'x';", 'x', false],
    ["import { type A } from 'x';", 'x', false],
    ["import type { A } from 'x';", 'x', true],
    ["import type A from 'x';", 'x', true],
    ["import type from 'x';", 'x', false],
    ['import {\n  a,\n  b,\n} from "x";', 'x', false],
    ["export * from 'x';", 'x', false],
    ["export * as a from 'x';", 'x', false],
    ["export { a } from 'x';", 'x', false],
    ["export type { A } from 'x';", 'x', true],
    ["const a = await import('x');", 'x', false],
    ["type A = import('x').A;", 'x', false],
  ])('sees %j', (source, specifier, typeOnly) => {
    expect(imports(source)).toEqual([[specifier, typeOnly]]);
  });

  it.each([
    "// import a from 'x';",
    "const a = `import b from 'x'`;",
    'const a = "import(\'x\')";',
    'const a = import.meta.url;',
    "export const from = 'x';",
    "query.import('x');",
    'export { a };\nconst from = 1;',
  ])('sees none in %j', (source) => {
    expect(imports(source)).toEqual([]);
  });

  it('sees all of a file, in order', () => {
    const source = "import 'a';\nimport type { B } from 'b';\nexport { c } from 'c';\nvoid import('d');\n";
    expect(imports(source).map(([specifier]) => specifier)).toEqual(['a', 'b', 'c', 'd']);
  });
});
