// The plain HTTP of payments: webhooks, on a port of its own. Everything unsigned is refused before it costs anything.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpEndpoint } from '@stoa/chassis/service';
import type { PaymentsContext } from '../context.ts';
import { type Receipt, receiveWebhook } from '../infrastructure/webhooks/receive.ts';

const BODY_MAX_BYTES = 64 * 1024;
/** Longest wait for a body that trickles in. */
const BODY_DEADLINE_MS = 5000;

/** A repetition is fine: the provider must stop sending it. */
const STATUS: Readonly<Record<Receipt, number>> = { accepted: 200, repeated: 200, forged: 400, stale: 400 };

export function paymentsHttp(context: PaymentsContext): HttpEndpoint {
  return {
    port: context.config.webhookPort,
    handler: (request, response) => {
      serve(context, request)
        .catch((error: unknown) => {
          context.log.warn('a webhook could not be taken in: its sender must repeat it', { error });
          return 503;
        })
        .then((status) => answer(request, response, status));
    },
  };
}

async function serve(context: PaymentsContext, request: IncomingMessage): Promise<number> {
  if (request.url !== `/webhooks/${context.deps.provider.name}`) return 404;
  if (request.method !== 'POST') return 405;
  const rawBody = await readBody(context, request);
  if (rawBody === undefined) return 413;
  return STATUS[await receiveWebhook(context, { headers: request.headers, rawBody })];
}

/** The bytes as they came; undefined when they are too many or too slow. */
async function readBody({ clock }: PaymentsContext, request: IncomingMessage): Promise<Buffer | undefined> {
  const done = new AbortController();
  void clock.sleep(BODY_DEADLINE_MS, done.signal).then(() => {
    if (!done.signal.aborted) request.destroy();
  });
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > BODY_MAX_BYTES) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    done.abort();
  }
}

function answer(request: IncomingMessage, response: ServerResponse, status: number): void {
  if (response.destroyed) return;
  // What was not read to its end leaves the connection useless for another request.
  const headers = { 'content-type': 'text/plain', ...(request.complete ? {} : { connection: 'close' }) };
  response.writeHead(status, headers).end();
}
