// POST and GET /graphql: what must hold before the engine sees a request.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ContextParts, createRequestContext, type RequestFacts } from '../graphql/context.ts';
import type { Yoga } from '../graphql/yoga.ts';
import { readBody } from './body.ts';
import { type HttpProblem, sendProblem } from './respond.ts';

/** A form or a text can be posted by any foreign page without asking; JSON cannot. */
const JSON_TYPE = /^application\/json\s*(;|$)/i;

const NOT_JSON: HttpProblem = {
  status: 415,
  code: 'UNSUPPORTED_MEDIA_TYPE',
  message: 'send the query as JSON, with content-type application/json',
};
const WRONG_METHOD: HttpProblem = {
  status: 405,
  code: 'METHOD_NOT_ALLOWED',
  message: 'use POST, or GET for queries',
  headers: { allow: 'GET, POST' },
};

export type GraphQLEndpoint = (
  request: IncomingMessage,
  response: ServerResponse,
  facts: RequestFacts,
) => Promise<void>;

export function createGraphQLEndpoint(yoga: Yoga, parts: ContextParts): GraphQLEndpoint {
  return async (request, response, facts) => {
    const problem = await prepare(request);
    if (problem !== undefined) return sendProblem(response, problem, facts.traceId);
    await yoga(request, response, createRequestContext(parts, facts));
  };
}

async function prepare(request: IncomingMessage): Promise<HttpProblem | undefined> {
  if (request.method === 'GET') return undefined;
  if (request.method !== 'POST') return WRONG_METHOD;
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '')) return NOT_JSON;
  const body = await readBody(request);
  if (typeof body !== 'string') return body;
  // Yoga takes a body that was read already from here, as Express' body parsers leave it.
  (request as IncomingMessage & { body?: string }).body = body;
  return undefined;
}
