import { buildSchema, parse, specifiedRules, validate } from 'graphql/index.js';
import { describe, expect, test } from 'vitest';
import { checkLimits, TOKENS_MAX } from '../../src/graphql/limits.ts';

const schema = buildSchema(`
  type Query { node: Node  name: String }
  type Mutation { login: String  placeOrder: String  refresh: String  other: String }
  type Node { node: Node  name: String }
`);

function problems(query: string): string[] {
  return checkLimits(parse(query, { maxTokens: TOKENS_MAX })).map(({ message }) => message);
}

const nested = (levels: number) => `${'{ node '.repeat(levels - 1)}{ name }${' }'.repeat(levels - 1)}`;
const many = (count: number, field: (index: number) => string) =>
  `{ ${Array.from({ length: count }, (_, index) => field(index)).join(' ')} }`;

describe('depth', () => {
  test('10 levels pass, 11 do not', () => {
    expect(problems(nested(10))).toEqual([]);
    expect(problems(nested(11))[0]).toContain('11 levels');
  });

  test('levels hidden in fragments count', () => {
    const query = `{ node { ...a } } fragment a on Node ${nested(6)} fragment b on Node { node { ...a } }`;
    expect(problems(query)).toEqual([]);
    expect(problems(query.replace('{ node { ...a } }', `{ node { node { node { node { ...b } } } } }`))).toHaveLength(
      1,
    );
  });

  test('inline fragments add no level', () => {
    expect(problems(`{ ... { ... { ... on Query ${nested(10)} } } }`)).toEqual([]);
  });

  test('introspection is exempt: graphql bounds it by a rule of its own', () => {
    const deep = `{ __schema { types { fields { type ${'{ ofType '.repeat(12)} { name } ${'}'.repeat(12)} } } } }`;
    expect(problems(deep)).toEqual([]);
  });
});

describe('aliases', () => {
  test('15 pass, 16 do not', () => {
    const aliased = (count: number) => `{ node ${many(count, (index) => `a${index}: name`)} }`;
    expect(problems(aliased(15))).toEqual([]);
    expect(problems(aliased(16))[0]).toContain('16 aliases');
  });

  test('a fragment that is spread twice counts twice', () => {
    const fragment = `fragment a on Node ${many(8, (index) => `a${index}: name`)}`;
    expect(problems(`{ node { ...a } } ${fragment}`)).toEqual([]);
    expect(problems(`{ node { ...a node { ...a } } } ${fragment}`)[0]).toContain('16 aliases');
  });
});

describe('fields at the root', () => {
  test('10 pass, 11 do not, nor when a fragment brings them', () => {
    expect(problems(many(10, () => 'name'))).toEqual([]);
    expect(problems(many(11, () => 'name'))[0]).toContain('11 fields at its root');
    expect(problems(`{ ...a ...a } fragment a on Query ${many(6, () => 'name')}`)[0]).toContain(
      '12 fields at its root',
    );
  });
});

describe('what the fields at the root cost', () => {
  test('20 pass, more do not: a search costs 5, a list of products 2, anything else 1', () => {
    expect(problems(many(4, () => 'search'))).toEqual([]);
    expect(problems(many(10, () => 'products'))).toEqual([]);
    expect(problems('{ search search search products products name }')).toEqual([]);
    expect(problems('{ search search search products products name name }')[0]).toContain('21 points of cost');
  });

  test('counts when aliases or fragments bring them', () => {
    expect(problems(many(5, (index) => `s${index}: search`))[0]).toContain('25 points of cost');
    expect(problems('{ ...a ...a search } fragment a on Query { search search }')[0]).toContain('25 points of cost');
  });

  test('is no matter of fields of that name below the root', () => {
    expect(problems(`{ node ${many(9, () => 'search')} }`)).toEqual([]);
  });
});

describe('fields in all', () => {
  test('250 pass, 251 do not, nor when fragments bring them', () => {
    expect(problems(`{ node ${many(249, () => 'name')} }`)).toEqual([]);
    expect(problems(`{ node ${many(250, () => 'name')} }`)[0]).toContain('251 fields');
    const fragment = `fragment a on Node ${many(125, () => 'name')}`;
    expect(problems(`{ node { ...a node { ...a } } } ${fragment}`)[0]).toContain('252 fields');
  });

  test('those of fragments that nothing spreads count, too', () => {
    const unspread = (count: number) => `{ name } fragment a on Node ${many(count, () => 'name')}`;
    expect(problems(unspread(249))).toEqual([]);
    expect(problems(unspread(250))).toEqual(['the document has 251 fields in all; 250 are allowed']);
  });
});

describe('mutations that cost a request each', () => {
  test('one passes, also beside others', () => {
    expect(problems('mutation { login other }')).toEqual([]);
  });

  test('two do not, aliased or of two kinds or in a fragment', () => {
    expect(problems('mutation { a: login b: login }')).toHaveLength(1);
    expect(problems('mutation { login placeOrder }')).toHaveLength(1);
    expect(problems('mutation { login ...a } fragment a on Mutation { refresh }')).toHaveLength(1);
    expect(problems('mutation { ...a ...a } fragment a on Mutation { placeOrder }')).toHaveLength(1);
  });
});

describe('hostile documents', () => {
  test('fragments that spread themselves or each other end the counting', () => {
    expect(problems('{ node { ...a } } fragment a on Node { node { ...a } }')).toEqual([]);
    expect(problems('{ ...a } fragment a on Query { ...b } fragment b on Query { name ...a }')).toEqual([]);
  });

  test('fragments that double at each step are counted without unfolding them', () => {
    const steps = Array.from(
      { length: 40 },
      (_, index) => `fragment f${index} on Node { ...f${index + 1} x: name ...f${index + 1} }`,
    );
    const query = `{ node { ...f0 } } ${steps.join(' ')} fragment f40 on Node { a: name }`;
    const started = performance.now();
    expect(problems(query)[0]).toContain('far too many aliases');
    expect(performance.now() - started).toBeLessThan(100);
  });

  test('a document of too many tokens is not even parsed', () => {
    expect(() => problems(many(1_001, () => 'name'))).toThrow(/1000 tokens/);
  });

  test('every operation of a document is measured, whichever is run', () => {
    expect(problems(`query a { name } query b ${nested(11)}`)).toHaveLength(1);
  });

  test('what passes the limits validates fast: no document makes graphql compare thousands of fields', () => {
    const query = `{ node { ${'node { name } '.repeat(124)} } }`;
    expect(problems(query)).toEqual([]);
    const started = performance.now();
    validate(schema, parse(query, { maxTokens: TOKENS_MAX }), specifiedRules);
    expect(performance.now() - started).toBeLessThan(250);
  });
});
