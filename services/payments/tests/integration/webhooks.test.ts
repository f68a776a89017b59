// Webhooks over HTTP: duplicated, reordered, forged, lost, stale. They only say where to look.
import { randomUUID } from 'node:crypto';
import { sql } from '@stoa/chassis/postgres/sql';
import Stripe from 'stripe';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sign } from '../../src/infrastructure/webhooks/signature.ts';
import {
  authorize,
  cancel,
  openHttp,
  openPayments,
  type Payments,
  PROVIDERS,
  until,
  WEBHOOK_SECRET,
} from './fixtures.ts';

const PREVIOUS = 'whsec_previous';
/** Repetitions so seldom that whatever is settled in a test is settled by a webhook. */
const SELDOM = {
  STOA_PAYMENTS_CALL_DEADLINE_MS: '500',
  STOA_PAYMENTS_SANDBOX_LATE_MS: '800',
  STOA_PAYMENTS_RETRY_BASE_MS: '60000',
  STOA_PAYMENTS_RETRY_CAP_MS: '60000',
};

describe.each(PROVIDERS)('%s', (kind) => {
  let payments: Payments;
  let http: Awaited<ReturnType<typeof openHttp>>;
  let path: string;
  beforeAll(async () => {
    payments = await openPayments({ ...SELDOM, STOA_PAYMENTS_WEBHOOK_SECRET_PREVIOUS: PREVIOUS }, kind);
    http = await openHttp(payments);
    path = `${http.url}/webhooks/${kind}`;
    payments.provider.sendWebhooksTo(path, WEBHOOK_SECRET);
  });
  afterAll(async () => {
    await http?.close();
    await payments?.stop();
  });
  afterEach(() => payments.expectBooksToAgree());

  const nowSeconds = () => Math.floor(payments.context.clock.now().getTime() / 1000);

  /** A signed webhook as the provider would make it. */
  function made(paymentId: string, { secret = WEBHOOK_SECRET, at = nowSeconds(), id = randomUUID() as string } = {}) {
    const object = { metadata: { stoa_payment_id: paymentId } };
    const data = kind === 'stripe' ? { object } : { payment_id: paymentId };
    const body = JSON.stringify({ id, object: 'event', type: 'payment_intent.succeeded', created: at, data });
    const header =
      kind === 'stripe'
        ? { 'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: at }) }
        : { 'sandbox-signature': sign(secret, at, Buffer.from(body)) };
    return { body, headers: header as Record<string, string> };
  }

  const post = async ({ body, headers }: { body: string; headers: Record<string, string> }) =>
    (await fetch(path, { method: 'POST', headers, body })).status;

  const received = async (paymentId: string) => {
    const { count } = await payments.service.db.one(sql<{ count: bigint }>`
      select count(*) as count from webhook_event where payment_id = ${paymentId}`);
    return Number(count);
  };

  /** Lets the provider's time pass and its webhooks arrive; the payment's own repetitions are far away. */
  async function whileLate(isSo: () => Promise<boolean>): Promise<void> {
    await until(payments.context.clock, async () => {
      await payments.service.runJob('sandbox-late-charges');
      await payments.service.runJob('sandbox-webhooks');
      await payments.workOnce();
      return isSo();
    });
  }

  async function late(token: string) {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, token));
    await payments.workOnce();
    const { payment_id: paymentId } = await payments.payment(order);
    return { order, paymentId };
  }

  test.each([
    ['tok_late_charge', 1],
    ['tok_webhook_duplicated', 1],
    ['tok_webhook_reordered', 2],
  ])('%s: the webhook makes the provider asked at once, and each event counts once', async (token, events) => {
    const { order, paymentId } = await late(token);
    await whileLate(async () => (await received(paymentId)) === events && (await payments.answers(order)).length === 2);
    expect(await payments.answers(order)).toEqual(['BecameUnknown', 'Authorized']);
    expect(await payments.provider.ledger(order)).toEqual(['authorize:ok:4200']);
  });

  test.each(['tok_webhook_forged', 'tok_webhook_lost'])(
    '%s: nothing is believed, and repetition finds out',
    async (token) => {
      const { order, paymentId } = await late(token);
      await whileLate(async () => (await payments.provider.charge(order)) === 'AUTHORIZED');
      await payments.service.runJob('sandbox-webhooks');
      expect(await received(paymentId)).toBe(0);
      expect(await payments.answers(order)).toEqual(['BecameUnknown']);
      await payments.expireLeases();
      await payments.workOnce();
      expect(await payments.answers(order)).toEqual(['BecameUnknown', 'Authorized']);
    },
  );

  test('a webhook that claims money changes nothing unless the provider itself says so', async () => {
    const { order, paymentId } = await late('tok_hang');
    expect(await post(made(paymentId))).toBe(200);
    await payments.workOnce();
    expect(await payments.answers(order)).toEqual(['BecameUnknown']);
    expect(await payments.payment(order)).toMatchObject({ state: 'UNKNOWN', captured: 0n });
  });

  test('a webhook about a payment at rest has it compared with the provider', async () => {
    const order = payments.newOrder();
    await payments.deliver(authorize(order));
    await payments.workOnce();
    await payments.deliver(cancel(order));
    await payments.workOnce();
    const { payment_id: paymentId } = await payments.payment(order);
    await payments.provider.reviveAuthorization(order);
    expect(await post(made(paymentId))).toBe(200);
    expect(payments.service.woken()).toContain('reconcile');
    await payments.reconcile();
    expect(await payments.provider.charge(order)).toBe('VOIDED');
  });

  test('both live secrets are good, any other is not, and a repeated event is taken once', async () => {
    const { paymentId } = await late('tok_hang');
    const event = made(paymentId);
    expect([await post(event), await post(event), await post(event)]).toEqual([200, 200, 200]);
    expect(await received(paymentId)).toBe(1);
    expect(await post(made(paymentId, { secret: PREVIOUS }))).toBe(200);
    expect(await post(made(paymentId, { secret: 'whsec_other' }))).toBe(400);
    expect(await received(paymentId)).toBe(2);
  });

  test.each([
    ['five minutes old', -301],
    ['five minutes early', 301],
  ])('a webhook more than %s is refused by the database clock', async (_what, seconds) => {
    const { paymentId } = await late('tok_hang');
    expect(await post(made(paymentId, { at: nowSeconds() + seconds }))).toBe(400);
    expect(await received(paymentId)).toBe(0);
    expect(await post(made(paymentId, { at: nowSeconds() + Math.sign(seconds) * 280 }))).toBe(200);
  });

  test('an altered byte, a body written again and a missing signature are refused', async () => {
    const { paymentId } = await late('tok_hang');
    const { body, headers } = made(paymentId);
    expect(await post({ body: body.replace('succeeded', 'Succeeded'), headers })).toBe(400);
    expect(await post({ body: JSON.stringify(JSON.parse(body), null, 1), headers })).toBe(400);
    expect(await post({ body, headers: {} })).toBe(400);
    expect(await received(paymentId)).toBe(0);
  });

  test('a webhook about nothing of ours is taken and forgotten', async () => {
    expect(await post(made('not-an-id'))).toBe(200);
    expect(await post(made(randomUUID()))).toBe(200);
    await payments.reconcile();
  });

  test('other paths, methods and sizes are refused', async () => {
    const get = await fetch(path);
    const elsewhere = await fetch(`${http.url}/webhooks/other`, { method: 'POST', body: '{}' });
    expect([get.status, elsewhere.status]).toEqual([405, 404]);
    const large = await fetch(path, { method: 'POST', body: 'x'.repeat(70_000) }).then(
      ({ status }) => status,
      () => 413,
    );
    expect(large).toBe(413);
  });
});

test('without an address the sandbox hands its webhooks over within the process, under a secret of its own', async () => {
  const payments = await openPayments({ ...SELDOM, STOA_PAYMENTS_WEBHOOK_SECRET: '' });
  try {
    const order = payments.newOrder();
    await payments.deliver(authorize(order, 'tok_late_charge'));
    await payments.workOnce();
    await until(payments.context.clock, async () => {
      await payments.service.runJob('sandbox-late-charges');
      await payments.service.runJob('sandbox-webhooks');
      await payments.workOnce();
      return (await payments.answers(order)).includes('Authorized');
    });
  } finally {
    await payments.stop();
  }
});
