import { readFileSync } from 'node:fs';
import { isInterfaceType, isObjectType, isUnionType, parse, print } from 'graphql/index.js';
import { expect, test } from 'vitest';
import { printedSchema, schema } from '../../src/graphql/schema.ts';

test('bff/schema.graphql is what the code says (node bff/src/graphql/print-schema.ts writes it)', () => {
  const committed = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
  // Printed anew, because the formatter has its own idea of layout.
  expect(print(parse(committed))).toBe(print(parse(printedSchema())));
});

test('every mutation takes one input and answers its payload, InvalidInput or Refused', () => {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    expect(field.args.map(({ name }) => name)).toEqual(['input']);
    const result = schema.getType(`${field.name.charAt(0).toUpperCase()}${field.name.slice(1)}Result`);
    expect(isUnionType(result), `${field.name} answers no union`).toBe(true);
    if (!isUnionType(result)) continue;
    const members = result.getTypes().map(({ name }) => name);
    expect(members).toContain(result.name.replace(/Result$/, 'Payload'));
    expect(members).toContain('InvalidInput');
    expect(members).toContain('Refused');
  }
});

test('no type leads back to itself, so depth bounds what a query can cost', () => {
  const visit = (name: string, path: readonly string[]): void => {
    expect(path, `${[...path, name].join(' > ')} is a cycle`).not.toContain(name);
    const type = schema.getType(name);
    if (!isObjectType(type) && !isInterfaceType(type)) return;
    for (const field of Object.values(type.getFields())) {
      visit(String(field.type).replace(/[[\]!]/g, ''), [...path, name]);
    }
  };
  visit('Query', []);
});
