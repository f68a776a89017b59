// Rate, errors and duration of what the BFF serves. Routes are few and fixed: a path from outside is never a label.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Metrics } from '@stoa/chassis/metrics';
import type { Clock } from '@stoa/chassis/runtime';

export type Route = 'graphql' | 'stream' | 'connect' | 'picture' | 'health' | 'other';

/** Where a request goes, by its path. A stream is a route of its own: it lasts as long as its reader. */
export function routeOf(path: string, request: IncomingMessage): Route {
  if (path === '/graphql') return request.headers.accept?.includes('text/event-stream') ? 'stream' : 'graphql';
  if (path.startsWith('/stoa.')) return 'connect';
  if (path.startsWith('/images/products/')) return 'picture';
  return path === '/health/live' || path === '/health/ready' ? 'health' : 'other';
}

/** Observes one request until its answer is complete, or its client is gone (status 499). */
export type RequestMetrics = (route: Route, response: ServerResponse) => void;

const CLIENT_GONE = 499;

/** Records `http_request_seconds{route,status}`. */
export function createRequestMetrics(metrics: Metrics, clock: Clock): RequestMetrics {
  const histogram = metrics.histogram('http_request_seconds', 'Time the BFF took to answer', ['route', 'status']);
  // A label child is resolved once for each route and status.
  const known = new Map<string, (seconds: number) => void>();
  return (route, response) => {
    const startedAtMs = clock.monotonicMs();
    response.once('close', () => {
      const status = String(response.writableFinished ? response.statusCode : CLIENT_GONE);
      const key = `${route} ${status}`;
      let observe = known.get(key);
      if (observe === undefined) {
        observe = histogram.labels(route, status);
        known.set(key, observe);
      }
      observe((clock.monotonicMs() - startedAtMs) / 1000);
    });
  };
}
