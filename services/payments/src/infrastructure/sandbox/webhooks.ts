// The sandbox's webhooks. They are sent to an address, or, where none is set, handed over in the same bytes within the
// process; repeated until they are taken, as a real provider would.
import type { Database } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { JobDefinition } from '@stoa/chassis/service';
import type { PaymentsContext } from '../../context.ts';
import type { SignedEvent, WebhookRequest } from '../provider.ts';
import { receiveWebhook } from '../webhooks/receive.ts';
import { sign, verify } from '../webhooks/signature.ts';

export const SIGNATURE_HEADER = 'sandbox-signature';
const AT_ONCE = 20;
/** A webhook that is not taken after so many tries is given up: the calls and the reconciler find out without it. */
const TRIES_MAX = 20;
const DELIVERY_DEADLINE_MS = 5000;

interface DueWebhook {
  event_id: string;
  payment_id: string;
  type: string;
  created: number;
  now: number;
  forged: boolean;
}

export const sandboxWebhooks: JobDefinition<PaymentsContext> = {
  name: 'sandbox-webhooks',
  everyMs: 1000,
  async run(context) {
    const { sandbox } = context.databases;
    if (context.deps.provider.name !== 'sandbox' || sandbox === undefined) return false;
    const due = await leaseWebhooks(sandbox);
    await Promise.all(
      due.map(async (webhook) => {
        if (await deliver(context, webhook)) await markSent(sandbox, webhook.event_id);
      }),
    );
    return due.length === AT_ONCE;
  },
};

/** Takes due webhooks, oldest first, and puts each off until its next try. */
function leaseWebhooks(db: Database): Promise<DueWebhook[]> {
  return db.rows(sql<DueWebhook>`
    with due as materialized (
      select event_id from webhook where sends > 0 and due_at <= now() and tries < ${TRIES_MAX}
      order by due_at limit ${AT_ONCE} for update skip locked
    )
    update webhook w set tries = tries + 1, due_at = now() + least(60, 2 ^ least(tries, 6)) * interval '1 second'
    from due where w.event_id = due.event_id
    returning w.event_id, w.payment_id, w.type, w.forged, extract(epoch from w.created_at)::float8 as created,
      extract(epoch from now())::float8 as now`);
}

async function markSent(db: Database, eventId: string): Promise<void> {
  await db.run(sql`update webhook set sends = sends - 1, due_at = now() where event_id = ${eventId}`);
}

/** Whether nothing is left to do about it: taken, or refused as it should be. */
async function deliver(context: PaymentsContext, webhook: DueWebhook): Promise<boolean> {
  const { sandboxWebhookUrl } = context.config;
  const [live = ''] = context.deps.webhookSecrets;
  const { event_id: id, type, payment_id: paymentId } = webhook;
  const data = { payment_id: paymentId };
  const rawBody = Buffer.from(JSON.stringify({ id, type, created: Math.floor(webhook.created), data }));
  const secret = webhook.forged ? 'not the secret' : live;
  const headers = { [SIGNATURE_HEADER]: sign(secret, Math.floor(webhook.now), rawBody) };
  try {
    if (sandboxWebhookUrl !== undefined)
      return (await post(context, sandboxWebhookUrl, headers, rawBody)) || webhook.forged;
    await receiveWebhook(context, { headers, rawBody });
    return true;
  } catch {
    return false;
  }
}

async function post(
  { clock }: PaymentsContext,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<boolean> {
  const over = new AbortController();
  void clock.sleep(DELIVERY_DEADLINE_MS, over.signal).then(() => over.abort());
  try {
    const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body), signal: over.signal });
    await response.body?.cancel();
    return response.ok;
  } finally {
    over.abort();
  }
}

export function readSandboxWebhook(secrets: readonly string[], request: WebhookRequest): SignedEvent | undefined {
  const { headers, rawBody } = request;
  const timestampSeconds = verify(secrets, headers[SIGNATURE_HEADER], rawBody);
  if (timestampSeconds === undefined) return undefined;
  const { id, type, data } = JSON.parse(Buffer.from(rawBody).toString()) as {
    id?: unknown;
    type?: unknown;
    data?: { payment_id?: unknown };
  };
  if (typeof id !== 'string' || typeof type !== 'string') return undefined;
  const paymentId = data?.payment_id;
  return { eventId: id, type, timestampSeconds, paymentId: typeof paymentId === 'string' ? paymentId : undefined };
}
