// Answers that are not GraphQL's own, and the headers that every answer has.
import type { ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql/index.js';

export interface HttpProblem {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Nothing here may be framed, sniffed, kept by a proxy, or run as a page. */
export function secure(response: ServerResponse, traceId: string): void {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-trace-id', traceId);
}

/** A page's last line of defence; not for GraphiQL, which is a page with scripts. */
export function forbidContent(response: ServerResponse): void {
  response.setHeader('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
}

/** Sends text. */
export function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

/** A refusal in the shape of a GraphQL answer, so that clients have one way to read errors. */
export function sendProblem(response: ServerResponse, problem: HttpProblem, traceId: string): void {
  for (const [name, value] of Object.entries(problem.headers ?? {})) response.setHeader(name, value);
  const error = new GraphQLError(problem.message, { extensions: { code: problem.code, traceId } });
  sendJson(response, problem.status, { errors: [error] });
}
