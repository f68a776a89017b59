// Health, metrics and info of a process over plain HTTP, on a port of its own that no outsider reaches.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SettableFailpoints } from '../failpoint.ts';
import type { Metrics } from '../metrics.ts';
import type { Readiness } from '../readiness.ts';

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  readonly readiness: () => Readiness;
  readonly metrics: Metrics;
  readonly info: () => unknown;
  /** Undefined where they must not be set, above all in production. */
  readonly failpoints: SettableFailpoints | undefined;
}

export interface HttpServer {
  readonly port: number;
  /** Takes no new connections; those that are still open after `graceMs` are cut. */
  close(graceMs: number): Promise<void>;
}

/** Opens a port; a taken one is told in one sentence. */
export async function listenHttp(server: Server, host: string, port: number): Promise<HttpServer> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new Error(`port ${port} is already in use`, { cause: error }) : error),
    );
    server.listen(port, host, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

const NOT_HERE = { error: 'try /health/live, /health/ready, /metrics or /info' };
const FAILPOINTS_MAX = 10_000;

async function setFailpoints(failpoints: SettableFailpoints, request: IncomingMessage, response: ServerResponse) {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > FAILPOINTS_MAX) return json(response, 413, { error: 'too long' });
  }
  try {
    failpoints.set(text.trim());
    json(response, 200, { failpoints: text.trim() });
  } catch (error) {
    json(response, 400, { error: (error as Error).message });
  }
}

/** Live says that the process turns; ready that it should get traffic. Live never looks at dependencies. */
export function serveAdmin({ host, port, readiness, metrics, info, failpoints }: AdminOptions): Promise<HttpServer> {
  const server = createServer((request, response) => {
    switch (request.url) {
      case '/health/live':
        return json(response, 200, { live: true });
      case '/health/ready': {
        const state = readiness();
        return json(response, state.ready ? 200 : 503, state);
      }
      case '/metrics':
        void metrics
          .text()
          .then((text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text));
        return;
      case '/info':
        return json(response, 200, info());
      case '/failpoints':
        if (failpoints === undefined || request.method !== 'POST') return json(response, 404, NOT_HERE);
        void setFailpoints(failpoints, request, response);
        return;
      default:
        return json(response, 404, NOT_HERE);
    }
  });
  return listenHttp(server, host, port);
}
