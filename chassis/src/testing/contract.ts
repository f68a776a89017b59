// Consumer-driven contracts. A consumer writes down, as protobuf JSON, an example of each message or call that it relies
// on, with the fields that it relies on and no others. Its own test feeds the example to its real code; the provider's
// test compares what it really says with the same example. The files are in tests/contracts, named
// <provider>-<consumer>.json, and belong to neither side.
import { readFileSync } from 'node:fs';
import {
  type DescField,
  type DescMessage,
  fromJson,
  isFieldSet,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageShape,
} from '@bufbuild/protobuf';

export interface Contract {
  /** The example as a message; `over` replaces fields that only a running test knows, such as ids. */
  example<Desc extends DescMessage>(name: string, schema: Desc, over?: JsonObject): MessageShape<Desc>;
  /** How a message falls short of the example; empty when the consumer can rely on it. */
  shortcomings(name: string, schema: DescMessage, actual: Message | undefined): string[];
  /** Names of the examples: a test that goes through them cannot forget one. */
  readonly names: readonly string[];
}

interface ContractFile {
  readonly provider: string;
  readonly consumer: string;
  readonly examples: Readonly<Record<string, JsonObject>>;
}

const FOLDER = new URL('../../../tests/contracts/', import.meta.url);

/** What a consumer relies on from a provider: `readContract('orders-cart')`. */
export function readContract(name: `${string}-${string}`, folder = FOLDER): Contract {
  const file = new URL(`${name}.json`, folder);
  const { examples } = JSON.parse(readFileSync(file, 'utf8')) as ContractFile;
  const find = (example: string): JsonObject => {
    const found = examples[example];
    if (found === undefined) throw new Error(`${file.pathname} has no example "${example}"`);
    return found;
  };
  return {
    names: Object.keys(examples),
    example: (example, schema, over = {}) => fromJson(schema, merged(find(example), over)),
    shortcomings(example, schema, actual) {
      if (actual === undefined) return [`${example}: nothing came`];
      // Reading it as a message refuses fields that the contract does not have.
      fromJson(schema, find(example));
      return compare(schema, find(example), actual, example);
    },
  };
}

function merged(example: JsonObject, over: JsonObject): JsonObject {
  const result: JsonObject = { ...example };
  for (const [key, value] of Object.entries(over)) {
    const before = result[key];
    result[key] = isObject(before) && isObject(value) ? merged(before, value) : value;
  }
  return result;
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function compare(schema: DescMessage, example: JsonObject, actual: Message, path: string): string[] {
  return Object.entries(example).flatMap(([key, expected]) => {
    const field = schema.fields.find(({ jsonName, name }) => jsonName === key || name === key);
    if (field === undefined) throw new Error(`${schema.typeName} has no field ${key}`);
    const at = `${path}.${key}`;
    if (!isFieldSet(actual, field)) return [`${at} is missing`];
    return compareField(field, expected, (actual as unknown as Record<string, unknown>)[field.localName], at);
  });
}

function compareField(field: DescField, expected: JsonValue, actual: unknown, at: string): string[] {
  switch (field.fieldKind) {
    case 'list': {
      // Whatever their number, each is like the first of the example.
      const [first] = expected as JsonValue[];
      if (first === undefined) return [];
      return (actual as unknown[]).flatMap((item, index) => compareItem(field, first, item, `${at}[${index}]`));
    }
    case 'map':
      throw new Error(`${at}: contracts over maps are not supported`);
    default:
      return compareItem(field, expected, actual, at);
  }
}

function compareItem(field: DescField, expected: JsonValue, actual: unknown, at: string): string[] {
  // A timestamp's JSON is a string: that it is there says all.
  if (field.message !== undefined) {
    return isObject(expected) ? compare(field.message, expected, actual as Message, at) : [];
  }
  if (field.enum !== undefined) {
    const wanted = field.enum.values.find(({ name }) => name === expected)?.number;
    return actual === wanted ? [] : [`${at} is ${String(actual)} instead of ${String(expected)}`];
  }
  if (typeof actual === 'boolean') return actual === expected ? [] : [`${at} is ${actual}`];
  if (typeof actual !== 'string') return actual === 0 || actual === 0n ? [`${at} is 0`] : [];
  const form = FORMS.find(({ pattern }) => pattern.test(String(expected)));
  if (form === undefined) return actual === '' ? [`${at} is empty`] : [];
  return form.pattern.test(actual) ? [] : [`${at} is not ${form.name}: ${actual}`];
}

/** What the form of an example's text says about the text that it stands for. The first that fits counts. */
const FORMS = [
  { name: 'a UUID', pattern: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ },
  { name: 'a currency', pattern: /^[A-Z]{3}$/ },
  { name: 'a reason', pattern: /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/ },
  { name: 'a mail address', pattern: /^\S+@\S+$/ },
] as const;
