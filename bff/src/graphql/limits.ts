// How much one document may ask for. Everything is counted as it will run: after fragments are expanded, so that
// nothing can hide in them, and saturating, so that fragments which spread each other twice cannot overflow or stall
// the counting. The counts depend on the document alone: variables cannot dodge them, and the verdict can be kept.
// They are checked before graphql's own rules, one of which takes time quadratic in repeated fields.
//
// Length is limited before parsing (LENGTH_MAX), tokens while parsing (TOKENS_MAX). What a query may cost behind the scenes is bounded by the schema,
// which has no cycles, by pages of at most 100, and by CALLS_MAX in context.ts.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql/index.js';

export const LENGTH_MAX = 16 * 1024;
export const TOKENS_MAX = 1_000;

export interface Limits {
  readonly depthMax: number;
  readonly aliasesMax: number;
  readonly rootFieldsMax: number;
  /** What root fields cost in the services, where it is not 1. */
  readonly rootCosts: Readonly<Record<string, number>>;
  /** In all. */
  readonly rootCostMax: number;
  /** In all. */
  readonly fieldsMax: number;
  /** Root fields of which one request may have one in all: guessing passwords and racing orders cost a request each. */
  readonly atMostOneOf: readonly string[];
}

export const LIMITS: Limits = {
  depthMax: 10,
  aliasesMax: 15,
  rootFieldsMax: 10,
  rootCosts: { search: 5, products: 2 },
  rootCostMax: 20,
  fieldsMax: 250,
  atMostOneOf: ['login', 'register', 'refresh', 'placeOrder'],
};

interface Size {
  readonly depth: number;
  readonly aliases: number;
  readonly fields: number;
  /** Fields at the top of the selection. */
  readonly top: number;
  /** What they cost. */
  readonly cost: number;
  /** Those of them that are limited to one. */
  readonly single: number;
}

const EMPTY: Size = { depth: 0, aliases: 0, fields: 0, top: 0, cost: 0, single: 0 };

/** Beyond every limit, and far from what a double cannot count. */
const MANY = 1_000_000;
const plus = (a: number, b: number) => Math.min(MANY, a + b);

/** Two selections side by side. */
function beside(a: Size, b: Size): Size {
  return {
    depth: Math.max(a.depth, b.depth),
    aliases: plus(a.aliases, b.aliases),
    fields: plus(a.fields, b.fields),
    top: plus(a.top, b.top),
    cost: plus(a.cost, b.cost),
    single: plus(a.single, b.single),
  };
}

/** Measures the selections of a document; each fragment once, however often it is spread. */
function createMeasure(
  document: DocumentNode,
  { atMostOneOf, rootCosts }: Limits,
): (operation: OperationDefinitionNode) => Size {
  const single = new Set(atMostOneOf);
  // No look at the object itself: a field may be called "constructor".
  const costs = new Map(Object.entries(rootCosts));
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const known = new Map<string, Size>();
  const ofFragment = (name: string): Size => {
    const measured = known.get(name);
    if (measured !== undefined) return measured;
    const fragment = fragments.get(name);
    // A fragment that spreads itself counts as empty there; another rule refuses it.
    known.set(name, EMPTY);
    const size = fragment === undefined ? EMPTY : ofSelections(fragment.selectionSet);
    known.set(name, size);
    return size;
  };
  const ofField = ({ name, alias, selectionSet }: FieldNode): Size => {
    // Introspection is deep by nature; graphql bounds it by a rule of its own.
    const inner = selectionSet === undefined || name.value.startsWith('__') ? EMPTY : ofSelections(selectionSet);
    return {
      depth: plus(inner.depth, 1),
      aliases: plus(inner.aliases, alias === undefined ? 0 : 1),
      fields: plus(inner.fields, 1),
      top: 1,
      cost: costs.get(name.value) ?? 1,
      single: single.has(name.value) ? 1 : 0,
    };
  };
  const ofSelections = ({ selections }: SelectionSetNode): Size => {
    let size = EMPTY;
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) size = beside(size, ofField(selection));
      else if (selection.kind === Kind.INLINE_FRAGMENT) size = beside(size, ofSelections(selection.selectionSet));
      else size = beside(size, ofFragment(selection.name.value));
    }
    return size;
  };
  return (operation) => ofSelections(operation.selectionSet);
}

function problemsOf(size: Size, limits: Limits): string[] {
  const problems: string[] = [];
  const check = (value: number, max: number, what: string) => {
    if (value > max)
      problems.push(`the operation has ${value >= MANY ? 'far too many' : value} ${what}; ${max} are allowed`);
  };
  check(size.depth, limits.depthMax, 'levels');
  check(size.aliases, limits.aliasesMax, 'aliases');
  check(size.top, limits.rootFieldsMax, 'fields at its root');
  check(size.cost, limits.rootCostMax, 'points of cost at its root');
  check(size.fields, limits.fieldsMax, 'fields');
  if (size.single > 1) problems.push(`a request may contain one of ${limits.atMostOneOf.join(', ')}, once`);
  return problems;
}

/** Throws when a document is longer than any that has a use. */
export function checkLength(source: string): void {
  if (source.length <= LENGTH_MAX) return;
  throw new GraphQLError(`the document has ${source.length} characters; ${LENGTH_MAX} are allowed`, {
    extensions: { code: 'LIMIT_EXCEEDED' },
  });
}

/** Fields as they are written, each once. */
function fieldsIn({ selections }: SelectionSetNode): number {
  let count = 0;
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) count += 1;
    if (selection.kind !== Kind.FRAGMENT_SPREAD && selection.selectionSet) count += fieldsIn(selection.selectionSet);
  }
  return count;
}

/** What no operation spreads does not run, but graphql's rules read it too. */
function checkWhole({ definitions }: DocumentNode, { fieldsMax }: Limits): readonly GraphQLError[] {
  let count = 0;
  for (const definition of definitions) if ('selectionSet' in definition) count += fieldsIn(definition.selectionSet);
  if (count <= fieldsMax) return [];
  const text = `the document has ${count} fields in all; ${fieldsMax} are allowed`;
  return [new GraphQLError(text, { extensions: { code: 'LIMIT_EXCEEDED' } })];
}

/** How a document exceeds the limits; empty when it does not. Every operation counts, whichever is to be run. */
export function checkLimits(document: DocumentNode, limits: Limits = LIMITS): readonly GraphQLError[] {
  const measure = createMeasure(document, limits);
  const extensions = { code: 'LIMIT_EXCEEDED' };
  const exceeded = document.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION
      ? problemsOf(measure(definition), limits).map((text) => new GraphQLError(text, { nodes: definition, extensions }))
      : [],
  );
  return exceeded.length > 0 ? exceeded : checkWhole(document, limits);
}
