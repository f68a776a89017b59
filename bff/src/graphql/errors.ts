// The one place where an error becomes something a client sees. Two channels:
// - expected refusals of a mutation are data: `failureOf` makes InvalidInput or Refused of them (result.ts);
// - everything else is an entry of `errors` with extensions.code and extensions.traceId: `presentError`.
// Only messages that a service wrote for clients get through: those with a Stoa reason. A bug's text never does.
import { Code, ConnectError } from '@connectrpc/connect';
import { invalidArgument, reasonOf, violationsOf } from '@stoa/chassis/rpc/errors';
import { ErrorInfoSchema } from '@stoa/proto/google/rpc/error_details_pb';
import { GraphQLError } from 'graphql/index.js';

export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

export interface InvalidInput {
  readonly kind: 'InvalidInput';
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly fields: readonly FieldProblem[];
}

export interface Refused {
  readonly kind: 'Refused';
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: readonly FailureDetail[];
}

/** A fact beside a reason, for example which details a cart still misses. */
export interface FailureDetail {
  readonly name: string;
  readonly value: string;
}

export type Failure = InvalidInput | Refused;

/** How a request's field path is called in the GraphQL input: prefixes that differ, longest first. */
export type FieldNames = Readonly<Record<string, string>>;

/** "details.shipping_method_id" with {"details.": ""} becomes "shippingMethodId". */
export function translatePath(path: string, names: FieldNames = {}): string {
  const prefix = Object.keys(names).find((known) => path.startsWith(known));
  const renamed = prefix === undefined ? path : `${names[prefix]}${path.slice(prefix.length)}`;
  return renamed.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The fields at fault, and a sentence that names them as the client knows them. */
function invalidInput(error: ConnectError, names: FieldNames | undefined) {
  const fields: FieldProblem[] = violationsOf(error).map(({ field, description }) => ({
    path: translatePath(field, names),
    message: description,
  }));
  const sentence = fields.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return { fields, message: sentence || textOf(error, reasonOf(error)) };
}

/** The answer, or its violations under the names that a query's arguments have. */
export async function named<T>(answer: Promise<T>, names: FieldNames): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const violations = violationsOf(error);
    if (violations.length === 0) throw error;
    throw invalidArgument(violations.map((each) => ({ ...each, field: translatePath(each.field, names) })));
  }
}

interface Refusal {
  readonly code: string;
  readonly retryable: boolean;
}

const BAD_CREDENTIALS: Refusal = { code: 'BAD_CREDENTIALS', retryable: false };
const REFUSALS: Partial<Record<Code, Refusal>> = {
  [Code.NotFound]: { code: 'NOT_FOUND', retryable: false },
  [Code.AlreadyExists]: { code: 'ALREADY_EXISTS', retryable: false },
  [Code.FailedPrecondition]: { code: 'REFUSED', retryable: false },
  [Code.OutOfRange]: { code: 'REFUSED', retryable: false },
  [Code.Aborted]: { code: 'CONFLICT', retryable: true },
  [Code.ResourceExhausted]: { code: 'RATE_LIMITED', retryable: true },
};

/**
 * The failure that a mutation answers for this error, or undefined when the error is not an expected one. A session
 * that is missing or over is no failure of the mutation: clients treat it alike everywhere, so it stays an error.
 * Only where the mutation itself presents credentials (`credentials`) is UNAUTHENTICATED its answer.
 */
export function failureOf(error: unknown, names?: FieldNames, credentials = false): Failure | undefined {
  if (!(error instanceof ConnectError)) return undefined;
  const reason = reasonOf(error);
  if (error.code === Code.InvalidArgument) {
    const code = reason ?? 'INVALID_ARGUMENT';
    return { kind: 'InvalidInput', code, retryable: false, ...invalidInput(error, names) };
  }
  const refusal = credentials && error.code === Code.Unauthenticated ? BAD_CREDENTIALS : REFUSALS[error.code];
  if (refusal === undefined) return undefined;
  const { retryable } = refusal;
  const code = reason ?? refusal.code;
  return { kind: 'Refused', code, message: textOf(error, reason), retryable, details: detailsOf(error) };
}

function detailsOf(error: ConnectError): FailureDetail[] {
  const [info] = error.findDetails(ErrorInfoSchema);
  return Object.entries(info?.metadata ?? {}).map(([name, value]) => ({ name: translatePath(name), value }));
}

function textOf(error: ConnectError, reason: string | undefined): string {
  return reason === undefined ? 'The request was refused.' : error.rawMessage;
}

interface Presented {
  readonly code: string;
  readonly message: string;
  readonly retryable?: boolean;
  readonly reason?: string;
  readonly fields?: readonly FieldProblem[];
}

const UNEXPECTED: Presented = { code: 'INTERNAL', message: 'Something went wrong on our side.' };
const UNAVAILABLE: Presented = {
  code: 'UNAVAILABLE',
  message: 'A part of the shop does not answer right now. Try again in a moment.',
  retryable: true,
};

/** Where queries' arguments are called otherwise than in the RPCs. */
const QUERY_NAMES: FieldNames = {
  'page.': '',
  'filter.category_slug': 'filter.category',
  'filter.price_min_minor': 'filter.priceMin',
  'filter.price_max_minor': 'filter.priceMax',
};

function presentConnectError(error: ConnectError): Presented {
  const reason = reasonOf(error);
  const detail = reason === undefined ? {} : { reason };
  const message = textOf(error, reason);
  switch (error.code) {
    case Code.Unauthenticated:
      return { code: 'UNAUTHENTICATED', message: reason === undefined ? 'Sign in first.' : message, ...detail };
    case Code.PermissionDenied:
      // The BFF called what it may not call: nothing that a user could have caused or could mend.
      if (reason === 'CALLER_NOT_ALLOWED') return UNEXPECTED;
      return { code: 'FORBIDDEN', message: 'This is not allowed.', ...detail };
    case Code.InvalidArgument:
      return { code: 'BAD_USER_INPUT', ...detail, ...invalidInput(error, QUERY_NAMES) };
    case Code.Unavailable:
    case Code.DeadlineExceeded:
    case Code.Canceled:
      return UNAVAILABLE;
    default: {
      const refusal = REFUSALS[error.code];
      if (refusal === undefined) return UNEXPECTED;
      return { code: refusal.code, message, retryable: refusal.retryable, ...detail };
    }
  }
}

/** The innermost cause of an error that the executor wrapped to add a path. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof GraphQLError && root.originalError !== undefined) root = root.originalError;
  return root;
}

export interface Presentation {
  readonly error: GraphQLError;
  /** What a person has to look into; undefined when the client alone is at fault, or a service is merely away. */
  readonly bug: unknown;
}

/**
 * The error as clients see it. GraphQLErrors were written for clients, by graphql or by us; ConnectErrors are mapped;
 * of anything else only the fact gets through.
 */
export function presentError(error: unknown, traceId: string): Presentation {
  const root = rootOf(error);
  const located = error instanceof GraphQLError ? error : undefined;
  const http = located?.extensions.http;
  if (root instanceof GraphQLError) {
    const { originalError: _, ...extensions } = root.extensions as Record<string, unknown> & { http?: object };
    // Without a code of its own it comes from reading variables or arguments.
    const code = extensions.code ?? 'BAD_USER_INPUT';
    // A request that cannot be read is 400 whatever the client accepts; yoga's `spec` would make it 200.
    if (code === 'BAD_REQUEST' && extensions.http !== undefined) extensions.http = { ...extensions.http, spec: false };
    return { error: rebuilt(root.message, located, { ...extensions, code, traceId }), bug: undefined };
  }
  const { message, ...extensions } = root instanceof ConnectError ? presentConnectError(root) : UNEXPECTED;
  return {
    error: rebuilt(message, located, { ...extensions, traceId, ...(http === undefined ? {} : { http }) }),
    bug: extensions.code === UNEXPECTED.code ? root : undefined,
  };
}

/** Without the original error, so that nothing of it can be printed by whoever serializes the result. */
function rebuilt(message: string, located: GraphQLError | undefined, extensions: Record<string, unknown>) {
  const { nodes, source, positions, path } = located ?? {};
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions,
  });
}
