// The plain HTTP of payments, on a port of its own: webhooks, and the sandbox's page. Every unsigned webhook is refused
// before it costs anything.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpEndpoint } from '@stoa/chassis/service';
import type { PaymentsContext } from '../context.ts';
import { type Receipt, receiveWebhook } from '../infrastructure/webhooks/receive.ts';
import { readBody } from './read-body.ts';
import { isSandboxPage, serveSandboxPage } from './sandbox-page.ts';

/** A repetition is fine: the provider must stop sending it. */
const STATUS: Readonly<Record<Receipt, number>> = { accepted: 200, repeated: 200, forged: 400, stale: 400 };

export function paymentsHttp(context: PaymentsContext): HttpEndpoint {
  return {
    port: context.config.webhookPort,
    handler: (request, response) => {
      if (isSandboxPage(request)) {
        serveSandboxPage(context, request, response).catch((error: unknown) => {
          context.log.warn('the sandbox could not show its page', { error });
          answer(request, response, 503);
        });
        return;
      }
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

function answer(request: IncomingMessage, response: ServerResponse, status: number): void {
  if (response.destroyed || response.headersSent) return;
  // What was not read to its end leaves the connection useless for another request.
  const headers = { 'content-type': 'text/plain', ...(request.complete ? {} : { connection: 'close' }) };
  response.writeHead(status, headers).end();
}
