// The schema builder, its scalars, and nothing else: every type lives in the file of its concept, and schema.ts
// loads them all. Fields are non-null unless they say otherwise.
import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import { GraphQLError } from 'graphql/index.js';
import type { RequestContext } from './context.ts';

export interface SchemaTypes {
  Context: RequestContext;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
  };
}

/** The same with Pothos' defaults: what refs of this builder are typed by. */
export type BuilderTypes = PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>;

export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: [RelayPlugin],
  defaultFieldNullability: false,
  relay: {},
});

builder.queryType({
  // Nullable also for lists: a service that is away must not take the other fields of a page with it.
  description:
    'Reads. What does not exist, or belongs to somebody else, is null; so is what failed, with an entry in `errors`.',
});
builder.mutationType({
  description: 'Writes. Each answers its payload or a Failure; only the unexpected appears in `errors`.',
});
builder.subscriptionType({ description: 'Live views, over server-sent events.' });

/** RFC 3339 with an offset. Years of four digits, as protobuf's timestamps have them. */
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;

function parseDateTime(value: unknown): Date {
  const date = typeof value === 'string' && DATE_TIME.test(value) ? new Date(value) : undefined;
  if (date === undefined || Number.isNaN(date.getTime())) {
    throw new GraphQLError('DateTime must be an RFC 3339 string, for example "2026-01-31T12:00:00Z"', {
      extensions: { code: 'BAD_USER_INPUT' },
    });
  }
  return date;
}

builder.scalarType('DateTime', {
  description: 'A point in time, RFC 3339, UTC, for example "2026-01-31T12:00:00.000Z".',
  serialize: (value) => value.toISOString(),
  parseValue: parseDateTime,
});
