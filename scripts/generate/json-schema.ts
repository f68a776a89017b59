// The JSON form of a protobuf message (ProtoJSON) as JSON Schema, and an example of it. Payloads travel as protobuf; the
// JSON form is what tools show and what a reader of the reference can read.
import { create, type DescField, type DescMessage, type Message, ScalarType, toJson } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';

const TIMESTAMP = 'google.protobuf.Timestamp';
/** 2026-01-15T10:30:00Z: any moment, but the same in every run. */
const EXAMPLE_SECONDS = 1_768_473_000n;

/** Component name of a message's schema. */
export const schemaName = (message: DescMessage) => message.typeName;

/** Every message that a message contains, itself first. */
export function closure(message: DescMessage, found = new Map<string, DescMessage>()): Map<string, DescMessage> {
  if (found.has(message.typeName) || message.typeName === TIMESTAMP) return found;
  found.set(message.typeName, message);
  for (const field of message.fields) {
    const inner = messageOf(field);
    if (inner !== undefined) closure(inner, found);
  }
  return found;
}

function messageOf(field: DescField): DescMessage | undefined {
  return field.fieldKind === 'message' || field.fieldKind === 'list' ? field.message : undefined;
}

export function jsonSchema(message: DescMessage): object {
  return {
    type: 'object',
    title: message.name,
    properties: Object.fromEntries(message.fields.map((field) => [field.jsonName, fieldSchema(field)])),
    additionalProperties: false,
  };
}

function fieldSchema(field: DescField): object {
  if (field.fieldKind === 'map') return { type: 'object' };
  if (field.fieldKind === 'list') return { type: 'array', items: valueSchema(field) };
  return valueSchema(field);
}

function valueSchema(field: Exclude<DescField, { fieldKind: 'map' }>): object {
  if (field.message !== undefined) {
    if (field.message.typeName === TIMESTAMP) return { type: 'string', format: 'date-time' };
    return { $ref: `#/components/schemas/${schemaName(field.message)}` };
  }
  if (field.enum !== undefined) return { type: 'string', enum: field.enum.values.map(({ name }) => name) };
  return scalarSchema(field.scalar as ScalarType);
}

function scalarSchema(scalar: ScalarType): object {
  switch (scalar) {
    case ScalarType.STRING:
      return { type: 'string' };
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.BYTES:
      return { type: 'string', format: 'byte' };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: 'number' };
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      // JSON numbers lose digits beyond 2^53, so ProtoJSON writes strings.
      return { type: 'string', pattern: '^-?[0-9]+$' };
    default:
      return { type: 'integer' };
  }
}

/** A filled message in its JSON form: made through the descriptors, so it always fits the contract. */
export function exampleOf(message: DescMessage): object {
  return toJson(message, filled(message)) as object;
}

function filled(schema: DescMessage): Message {
  const message = create(schema);
  const view = reflect(schema, message);
  for (const field of schema.fields) fill(view, field);
  return message;
}

function fill(view: ReflectMessage, field: DescField): void {
  if (field.oneof !== undefined && view.oneofCase(field.oneof) !== undefined) return;
  if (field.fieldKind === 'map') return;
  if (field.fieldKind === 'list') {
    view.get(field).add(field.listKind === 'message' ? nested(field.message) : plainValue(field));
    return;
  }
  if (field.fieldKind === 'message') view.set(field, nested(field.message));
  else view.set(field, plainValue(field) as never);
}

function nested(schema: DescMessage) {
  const message = filled(schema);
  if (schema.typeName === TIMESTAMP) Object.assign(message, { seconds: EXAMPLE_SECONDS, nanos: 0 });
  return reflect(schema, message);
}

function plainValue(field: DescField): unknown {
  if (field.enum !== undefined) return field.enum.values[1]?.number ?? 0;
  const scalar = field.scalar as ScalarType;
  if (scalar === ScalarType.STRING) return exampleText(field.name);
  if (scalar === ScalarType.BOOL) return true;
  if (scalar === ScalarType.BYTES) return new Uint8Array();
  return 'format' in scalarSchema(scalar) || 'pattern' in scalarSchema(scalar) ? 1n : 1;
}

const TEXTS: Readonly<Record<string, string>> = {
  sku: 'TEE-BLK-M',
  skus: 'TEE-BLK-M',
  currency: 'EUR',
  number: 'S-7K3M-9Q2X',
  reason: 'INSUFFICIENT_STOCK',
  name: 'Example',
  product_name: 'T-shirt',
  variant_name: 'Black, M',
  payment_token: 'tok_approve',
  payment_method_id: 'card',
  method_id: 'standard',
  shipping_method_id: 'standard',
  tracking_number: 'STOA0001',
};

function exampleText(field: string): string {
  if (TEXTS[field] !== undefined) return TEXTS[field];
  return /(^|_)id$/.test(field) ? '019bc101-3f40-7c4e-8a55-0b7d6f3f1c2a' : `an example of ${field}`;
}
