// The shape of every mutation: `<name>(input): <Name>Result`, a union of its payload, InvalidInput and Refused. One
// function declares them all, so no mutation can forget a failure or invent a shape of its own.
import type { ArgumentRef, InputObjectRef, ObjectRef } from '@pothos/core';
import { type BuilderTypes, builder } from './builder.ts';
import type { RequestContext } from './context.ts';
import {
  type Failure,
  type FailureDetail,
  type FieldNames,
  type FieldProblem,
  failureOf,
  type InvalidInput,
  type Refused,
} from './errors.ts';

const FailureRef = builder.interfaceRef<Failure>('Failure').implement({
  description: 'Why a mutation did not do what it was asked to.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'Stable, UPPER_SNAKE_CASE; the README lists them.' }),
    message: t.exposeString('message', { description: 'For developers; show your own text to shoppers.' }),
    retryable: t.exposeBoolean('retryable', {
      description: 'Whether the same request may succeed later, unchanged.',
    }),
  }),
});

const FieldProblemRef = builder.objectRef<FieldProblem>('FieldProblem').implement({
  fields: (t) => ({
    path: t.exposeString('path', { description: 'Path within `input`, for example "lines[2].quantity".' }),
    message: t.exposeString('message'),
  }),
});

const InvalidInputRef = builder.objectRef<InvalidInput>('InvalidInput').implement({
  description: 'The input cannot be read: every field at fault at once.',
  interfaces: [FailureRef],
  fields: (t) => ({
    fields: t.field({ type: [FieldProblemRef], resolve: ({ fields }) => fields }),
  }),
});

const FailureDetailRef = builder.objectRef<FailureDetail>('FailureDetail').implement({
  fields: (t) => ({
    name: t.exposeString('name'),
    value: t.exposeString('value'),
  }),
});

const RefusedRef = builder.objectRef<Refused>('Refused').implement({
  description: 'The input is fine, but the state of things forbids it.',
  interfaces: [FailureRef],
  fields: (t) => ({
    details: t.field({
      type: [FailureDetailRef],
      description: 'Facts beside the code, for example what a CART_INCOMPLETE misses.',
      resolve: ({ details }) => details,
    }),
  }),
});

interface MutationOptions<Input, Payload extends object> {
  readonly description: string;
  readonly input: InputObjectRef<BuilderTypes, Input>;
  readonly payload: ObjectRef<BuilderTypes, Payload>;
  /** Where the RPC's field paths differ from the input's. */
  readonly names?: FieldNames;
  /** The input holds credentials: a refusal of them is an answer, not an error. */
  readonly credentials?: boolean;
  resolve(input: Input, context: RequestContext): Promise<Payload>;
}

function isFailure(value: object): value is Failure {
  return 'kind' in value && (value.kind === 'InvalidInput' || value.kind === 'Refused');
}

/** Declares the mutation `name`; what `resolve` throws is answered as a failure where it is one. */
export function mutation<Input, Payload extends object>(name: string, options: MutationOptions<Input, Payload>): void {
  const { description, input, payload, names, credentials, resolve } = options;
  const Name = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const result = builder.unionType(`${Name}Result`, {
    types: [payload, InvalidInputRef, RefusedRef],
    resolveType: (value) => (isFailure(value) ? value.kind : payload.name),
  });
  const answer = async (input: Input, context: RequestContext): Promise<Payload | Failure> => {
    try {
      return await resolve(input, context);
    } catch (error) {
      const failure = failureOf(error, names, credentials);
      if (failure === undefined) throw error;
      return failure;
    }
  };
  builder.mutationField(name, (t) =>
    t.field({
      type: result,
      description,
      args: { input: t.arg({ type: input, required: true }) as ArgumentRef<BuilderTypes, Input> },
      // The cast: TypeScript cannot see that a payload, being an object type of the schema, is no list.
      resolve: (_, args, context) => answer((args as { input: Input }).input, context) as never,
    }),
  );
}
