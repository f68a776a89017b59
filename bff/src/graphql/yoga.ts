// The GraphQL engine: yoga with our limits, our errors, and nothing switched on that is not listed here. HTTP's own
// matters (size, encoding, content type, CORS) are settled before, in http/.
import type { Log } from '@stoa/chassis/log';
import type { Metrics } from '@stoa/chassis/metrics';
import { createBoundedMap } from '@stoa/chassis/rpc/two-generations';
import { type DocumentNode, type GraphQLError, NoSchemaIntrospectionCustomRule, parse } from 'graphql/index.js';
import { createYoga, isAsyncIterable, mapAsyncIterator, type Plugin } from 'graphql-yoga';
import type { RequestContext } from './context.ts';
import { presentError } from './errors.ts';
import { checkLength, checkLimits, TOKENS_MAX } from './limits.ts';
import { schema } from './schema.ts';

/**
 * Memory that parsed and validated documents may take. A storefront has dozens of some 50 KB; anybody's others push out
 * the least used. It is their tokens that weigh, not their length: 2 KB of text may be 1000 tokens and 500 KB parsed.
 */
const DOCUMENTS_MAX_BYTES = 16 * 1024 * 1024;
const TOKEN_BYTES = 500;
const CHARACTER_BYTES = 2;

const bytesOf = (text: string, { tokenCount = TOKENS_MAX }: DocumentNode) =>
  CHARACTER_BYTES * text.length + TOKEN_BYTES * tokenCount;

export interface YogaOptions {
  readonly graphiql: boolean;
  readonly introspection: boolean;
  readonly log: Log;
  readonly metrics: Metrics;
}

export type Yoga = ReturnType<typeof createGraphQL>;

/** The engine. Call it with a request, a response and a `RequestContext`. */
export function createGraphQL({ graphiql, introspection, log, metrics }: YogaOptions) {
  return createYoga<RequestContext>({
    schema,
    graphqlEndpoint: '/graphql',
    graphiql: graphiql
      ? { title: 'Stoa', defaultQuery: '{ products(first: 5) { edges { node { name slug } } } }' }
      : false,
    landingPage: false,
    cors: false,
    multipart: false,
    batching: false,
    // presentErrors() below does this job, with codes and trace ids.
    maskedErrors: false,
    maxRequestBodySize: false,
    logging: false,
    parserAndValidationCache: {
      documentCache: createBoundedMap<DocumentNode>(DOCUMENTS_MAX_BYTES, bytesOf),
      // What cannot be parsed is found out again: only somebody who is up to no good asks twice.
      errorCache: { get: () => undefined, set: () => {} },
    },
    plugins: [limitDocuments(introspection), presentErrors({ introspection, log, metrics })],
  });
}

const boundedParse: typeof parse = (source, options) => {
  checkLength(typeof source === 'string' ? source : source.body);
  return parse(source, { ...options, maxTokens: TOKENS_MAX });
};

function limitDocuments(introspection: boolean): Plugin {
  const verdicts = new WeakMap<DocumentNode, readonly GraphQLError[]>();
  return {
    onParse({ setParseFn }) {
      setParseFn(boundedParse);
    },
    onValidate({ params, setResult, addValidationRule }) {
      const document = params.documentAST;
      let verdict = verdicts.get(document);
      if (verdict === undefined) {
        verdict = checkLimits(document);
        verdicts.set(document, verdict);
      }
      if (verdict.length > 0) setResult([...verdict]);
      if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
    },
  };
}

/** Graphql quotes in its messages what it was sent, at any length. */
const MESSAGE_MAX = 500;

/** Graphql's hint at names is the last sentence; an expression for it would take quadratic time on what is quoted. */
function withoutHint(message: string): string {
  const hint = message.endsWith('?') ? message.lastIndexOf(' Did you mean ') : -1;
  return hint === -1 ? message : message.slice(0, hint);
}

/** Every result, whatever produced it, passes here last. */
function presentErrors({ introspection, log, metrics }: Omit<YogaOptions, 'graphiql'>): Plugin<object, RequestContext> {
  const present = (error: GraphQLError, traceId: string): GraphQLError => {
    const { error: presented, bug } = presentError(error, traceId);
    metrics.count('graphql_errors_total', 'Errors in GraphQL answers', { code: String(presented.extensions.code) });
    if (bug !== undefined) log.error('a GraphQL request failed', { traceId, error: bug });
    // Suggestions would spell out the schema to whoever may not read it.
    if (!introspection) presented.message = withoutHint(presented.message);
    if (presented.message.length > MESSAGE_MAX) presented.message = `${presented.message.slice(0, MESSAGE_MAX)}…`;
    return presented;
  };
  const presentAll = <R extends { readonly errors?: readonly GraphQLError[] }>(result: R, traceId: string): R =>
    result.errors === undefined ? result : { ...result, errors: result.errors.map((error) => present(error, traceId)) };
  return {
    onResultProcess({ result, setResult, serverContext }) {
      const { traceId } = serverContext;
      if (isAsyncIterable(result)) setResult(mapAsyncIterator(result, (each) => presentAll(each, traceId)));
      else if (!Array.isArray(result)) setResult(presentAll(result, traceId));
    },
  };
}
