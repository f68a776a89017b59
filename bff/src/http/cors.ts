// Which pages of other origins may call. Tokens travel in a header that a page must set itself, never in cookies, so
// an allowed origin gains nothing of a visitor's session; without an allowed origin there are no CORS headers at all.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { cors as connectCors } from '@connectrpc/connect';

const METHODS = 'GET, POST, OPTIONS';
const REQUEST_HEADERS = [...connectCors.allowedHeaders, 'Authorization', 'Traceparent', 'X-Stoa-Canary', 'Accept'].join(
  ', ',
);
const RESPONSE_HEADERS = [...connectCors.exposedHeaders, 'X-Trace-Id'].join(', ');
const PREFLIGHT_SECONDS = '600';

/** Adds the headers; true when the request was a preflight, which is then answered. */
export type Cors = (request: IncomingMessage, response: ServerResponse) => boolean;

/** "https://shop.example, http://localhost:*": exact origins, or any port of one. */
export function createCors(origins: string): Cors {
  const entries = origins
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '' && entry !== 'none');
  const exact = new Set(entries.filter((entry) => !entry.endsWith(':*')));
  const hosts = entries.filter((entry) => entry.endsWith(':*')).map((entry) => entry.slice(0, -2));
  const allows = (origin: string) =>
    exact.has(origin) ||
    hosts.some((host) => origin.startsWith(host) && /^(:\d{1,5})?$/.test(origin.slice(host.length)));

  return (request, response) => {
    const { origin } = request.headers;
    if (entries.length > 0) response.setHeader('vary', 'Origin');
    const allowed = origin !== undefined && allows(origin);
    if (allowed) {
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-expose-headers', RESPONSE_HEADERS);
    }
    if (request.method !== 'OPTIONS') return false;
    if (allowed) {
      response.setHeader('access-control-allow-methods', METHODS);
      response.setHeader('access-control-allow-headers', REQUEST_HEADERS);
      response.setHeader('access-control-max-age', PREFLIGHT_SECONDS);
    }
    response.writeHead(204);
    response.end();
    return true;
  };
}
