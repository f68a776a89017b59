// The BFF's one HTTP handler: finds who is asked and sees that every answer has its headers.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '@stoa/chassis/log';
import type { Readiness } from '@stoa/chassis/readiness';
import type { RequestFacts } from '../graphql/context.ts';
import type { ConnectEdge } from './connect-edge.ts';
import type { Cors } from './cors.ts';
import type { GraphQLEndpoint } from './graphql-endpoint.ts';
import type { PictureEndpoint } from './picture-endpoint.ts';
import { type FactsOptions, readFacts } from './request-facts.ts';
import { type RequestMetrics, routeOf } from './request-metrics.ts';
import { forbidContent, type HttpProblem, secure, sendJson, sendProblem } from './respond.ts';

export interface HandlerParts {
  readonly graphql: GraphQLEndpoint;
  readonly pictures: PictureEndpoint;
  readonly connect: ConnectEdge;
  readonly cors: Cors;
  readonly facts: FactsOptions;
  readonly observe: RequestMetrics;
  /** GraphiQL is a page with scripts and styles of its own. */
  readonly graphiql: boolean;
  /** Of the whole process. */
  readiness(): Readiness;
  readonly log: Log;
}

const NOT_FOUND: HttpProblem = { status: 404, code: 'NOT_FOUND', message: 'there is nothing here' };
const FAILED: HttpProblem = { status: 500, code: 'INTERNAL', message: 'Something went wrong on our side.' };

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export function createHandler(parts: HandlerParts): Handler {
  return (request, response) => {
    const facts = readFacts(request, response, parts.facts);
    secure(response, facts.traceId);
    if (parts.cors(request, response)) return;
    dispatch(parts, request, response, facts).catch((error: unknown) => {
      parts.log.error('a request failed', { traceId: facts.traceId, error });
      if (response.headersSent) response.destroy();
      else sendProblem(response, FAILED, facts.traceId);
    });
  };
}

async function dispatch(
  parts: HandlerParts,
  request: IncomingMessage,
  response: ServerResponse,
  facts: RequestFacts,
): Promise<void> {
  const url = request.url ?? '/';
  const end = url.indexOf('?');
  const path = end === -1 ? url : url.slice(0, end);
  const route = routeOf(path, request);
  parts.observe(route, response);
  if (path !== '/graphql' || !parts.graphiql) forbidContent(response);
  switch (route) {
    case 'graphql':
    case 'stream':
      return parts.graphql(request, response, facts);
    case 'connect':
      return parts.connect(request, response, facts);
    case 'picture':
      return parts.pictures(path, request, response, facts);
    case 'health':
      return path === '/health/live' ? sendJson(response, 200, { live: true }) : sendReady(response, parts.readiness());
    case 'other':
      return sendProblem(response, NOT_FOUND, facts.traceId);
    default:
      return route satisfies never;
  }
}

function sendReady(response: ServerResponse, { ready, reasons }: Readiness): void {
  sendJson(response, ready ? 200 : 503, { ready, reasons });
}
