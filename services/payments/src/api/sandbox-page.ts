// The bank's page of the sandbox: where a customer whose payment needs it (tok_3ds) confirms or refuses. It stands for a
// page of an outside party, so it knows the sandbox's books and nothing of ours.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatMoney } from '@stoa/proto/money';
import type { PaymentsContext } from '../context.ts';
import type { ProviderRecord } from '../domain/reconcile.ts';
import { actAsCustomer } from '../infrastructure/sandbox/late-charges.ts';
import { SANDBOX_PAGE_PATH, showCharge } from '../infrastructure/sandbox/records.ts';
import { readBody } from './read-body.ts';

const PATH = new RegExp(`^${SANDBOX_PAGE_PATH}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`);
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
};

/** Whether the request is for this page; its answer has then been, or will be, written. */
export function isSandboxPage({ url = '' }: IncomingMessage): boolean {
  return url.startsWith(SANDBOX_PAGE_PATH);
}

/** GET shows the payment, POST with `answer=confirm` or `answer=fail` decides it. */
export async function serveSandboxPage(
  context: PaymentsContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { sandbox } = context.databases;
  const paymentId = PATH.exec(request.url ?? '')?.[1];
  const isHere = context.deps.provider.name === 'sandbox' && sandbox !== undefined && paymentId !== undefined;
  const [charge] = isHere ? await showCharge(sandbox, paymentId) : [];
  if (!isHere || charge === undefined) return show(response, 404, '<p>There is no such payment.</p>');
  if (request.method === 'GET') return show(response, 200, content(charge));
  if (request.method !== 'POST') return show(response, 405, '<p>Use GET or POST.</p>');
  const answer = new URLSearchParams((await readBody(context, request))?.toString()).get('answer');
  if (answer !== 'confirm' && answer !== 'fail') return show(response, 400, '<p>Confirm or refuse.</p>');
  if (await actAsCustomer(sandbox, paymentId, answer === 'confirm')) context.wake('sandbox-webhooks');
  // To this page again: reloading it must not send the form a second time.
  response.writeHead(303, { location: request.url ?? '' }).end();
}

function content({ state, amountMinor, currency }: ProviderRecord): string {
  const amount = formatMoney({ currency, minor: amountMinor }, 'en');
  switch (state) {
    case 'ACTION_REQUIRED':
      return `<p>A shop asks for <strong>${amount}</strong>.</p>
<form method="post"><button name="answer" value="confirm">Confirm</button>
<button name="answer" value="fail">Refuse</button></form>`;
    case 'AUTHORIZED':
    case 'CAPTURED':
      return `<p>You have confirmed the payment of ${amount}. You can go back to the shop.</p>`;
    default:
      return `<p>The payment of ${amount} was not made, and cannot be made any more. You can go back to the shop.</p>`;
  }
}

function show(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, HEADERS).end(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sandbox bank</title>
<style>body{font:18px system-ui;max-width:28em;margin:4em auto;padding:0 1em}button{font:inherit;padding:.5em 1em}</style>
<h1>Sandbox bank</h1>
${body}
</html>
`);
}
