// The two providers as the tests see them from outside: what they hold, and how they are made to misbehave by hand.
import type { Database } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { PaymentsContext } from '../../src/context.ts';
import { actAsCustomer } from '../../src/infrastructure/sandbox/late-charges.ts';
import type { Intent } from './stripe-books.ts';
import { openStripeDouble, STRIPE_KEY, type StripeDouble } from './stripe-double.ts';

export const PROVIDERS = ['sandbox', 'stripe'] as const;
export type ProviderKind = (typeof PROVIDERS)[number];

export interface ProviderUnderTest {
  readonly env: Readonly<Record<string, string>>;
  /** Only at Stripe. */
  readonly double: StripeDouble | undefined;
  attach(context: PaymentsContext): void;
  close(): Promise<void>;
  /** Everything definite that it did for an order, as `kind:ok:amount` or `kind:CODE:amount`. */
  ledger(orderId: string): Promise<string[]>;
  /** Captures and refunds, as our own ledger shows them. */
  movements(): Promise<string[]>;
  charge(orderId: string): Promise<string | undefined>;
  /** The customer of an order does what was asked, or fails to. */
  act(orderId: string, succeeds: boolean): Promise<void>;
  /** What is late of an order comes now. */
  appear(orderId: string): Promise<void>;
  /** Where its webhooks go from now on. */
  sendWebhooksTo(url: string, secret: string): void;
  /** By hand, as in its console: an authorization that appears again under a dead payment. */
  reviveAuthorization(orderId: string): Promise<void>;
  /** By hand: a capture that nobody asked for. */
  captureByHand(orderId: string): Promise<void>;
  /** By hand: all that was captured is given back. */
  refundByHand(orderId: string): Promise<void>;
  /** It forgets an order altogether. */
  lose(orderId: string): Promise<void>;
}

/** In front of the keys of refunds by hand: our books show them under our own key. */
const BY_HAND = 'by-hand-';

export function sandboxUnderTest(): ProviderUnderTest {
  let context: PaymentsContext;
  const db = () => context.databases.sandbox as Database;
  return {
    env: {},
    double: undefined,
    attach: (given) => {
      context = given;
    },
    close: async () => undefined,
    async ledger(orderId) {
      const rows = await db().rows(sql<{ told: string }>`
        select kind || ':' || case when ok then 'ok' else code end || ':' || amount_minor as told
        from ledger where order_ref = ${orderId} order by created_at, 1`);
      return rows.map((row) => row.told);
    },
    async movements() {
      const rows = await db().rows(sql<{ line: string }>`
        select concat_ws(' ', replace(provider_key, ${BY_HAND}, ''), order_ref, kind, amount_minor, currency) as line
        from ledger where ok and kind in ('capture', 'refund')`);
      return rows.map(({ line }) => line);
    },
    async charge(orderId) {
      const row = await db().maybe(sql<{ state: string }>`select state from charge where order_ref = ${orderId}`);
      return row?.state;
    },
    async act(orderId, succeeds) {
      const { payment_id } = await db().one(sql<{ payment_id: string }>`
        select payment_id from charge where order_ref = ${orderId}`);
      await actAsCustomer(db(), payment_id, succeeds);
    },
    async appear(orderId) {
      await db().run(sql`
        update charge set appears_at = now() where order_ref = ${orderId} and appears_at is not null`);
    },
    sendWebhooksTo: (url) => {
      context = Object.assign(context, { config: { ...context.config, sandboxWebhookUrl: url } });
    },
    async reviveAuthorization(orderId) {
      await db().run(sql`update charge set state = 'AUTHORIZED' where order_ref = ${orderId}`);
    },
    async captureByHand(orderId) {
      await db().run(sql`
        with taken as (
          update charge set state = 'CAPTURED', captured_minor = amount_minor where order_ref = ${orderId} returning *
        )
        insert into ledger (provider_key, payment_id, order_ref, kind, amount_minor, currency, ok, code)
        select 'console-' || payment_id, payment_id, order_ref, 'capture', amount_minor, currency, true, '' from taken`);
    },
    async refundByHand(orderId) {
      await db().run(sql`
        with returned as (
          update charge set state = 'REFUNDED', refunded_minor = captured_minor where order_ref = ${orderId} returning *
        )
        insert into ledger (provider_key, payment_id, order_ref, kind, amount_minor, currency, ok, code)
        select ${BY_HAND} || payment_id || ':refund', payment_id, order_ref, 'refund', refunded_minor, currency, true, ''
        from returned`);
    },
    async lose(orderId) {
      await db().run(sql`delete from ledger where order_ref = ${orderId}`);
      await db().run(sql`delete from charge where order_ref = ${orderId}`);
    },
  };
}

export async function stripeUnderTest(lateMs: number): Promise<ProviderUnderTest> {
  const double = await openStripeDouble({ lateMs });
  const { books } = double;
  const one = (orderId: string) => books.of(orderId)[0] as Intent;
  return {
    env: {
      STOA_PAYMENTS_PROVIDER: 'stripe',
      STOA_STRIPE_API_BASE: double.url,
      STOA_STRIPE_SECRET_KEY: STRIPE_KEY,
    },
    double,
    attach: () => undefined,
    close: double.close,
    ledger: async (orderId) =>
      books.ledger
        .filter((line) => line.orderId === orderId)
        .map(({ kind, result, amount }) => `${kind}:${result}:${amount}`),
    movements: async () =>
      books.ledger
        .filter(({ kind, result }) => result === 'ok' && (kind === 'capture' || kind === 'refund'))
        .map(({ key, orderId, kind, amount, currency }) => [key, orderId, kind, amount, currency].join(' ')),
    charge: async (orderId) => books.of(orderId).map(stateOf)[0],
    act: async (orderId, succeeds) => double.act(one(orderId).id, succeeds),
    // The double does not know yet whose it will be: all that is late comes.
    appear: async () => double.releaseLate(),
    sendWebhooksTo: double.webhooks.to,
    async reviveAuthorization(orderId) {
      Object.assign(one(orderId), { status: 'requires_capture', amount_capturable: one(orderId).amount });
    },
    async captureByHand(orderId) {
      const intent = one(orderId);
      Object.assign(intent, { status: 'succeeded', amount_received: intent.amount, amount_capturable: 0 });
      const { id, amount } = intent;
      books.ledger.push({ key: `${id}:capture`, orderId, kind: 'capture', amount, currency: 'EUR', result: 'ok' });
    },
    async refundByHand(orderId) {
      const { latest_charge: charge, amount_received: amount, metadata } = one(orderId);
      if (charge !== null) charge.amount_refunded = amount;
      const key = `${metadata.stoa_payment_id}:refund`;
      books.ledger.push({ key, orderId, kind: 'refund', amount, currency: 'EUR', result: 'ok' });
    },
    async lose(orderId) {
      for (const { id } of books.of(orderId)) books.intents.delete(id);
      const others = books.ledger.filter((line) => line.orderId !== orderId);
      books.ledger.splice(0, Number.POSITIVE_INFINITY, ...others);
    },
  };
}

const STATES: Readonly<Record<string, string>> = {
  requires_capture: 'AUTHORIZED',
  requires_action: 'REQUIRES_ACTION',
  requires_payment_method: 'DECLINED',
  canceled: 'VOIDED',
};

function stateOf({ status, amount_received, latest_charge }: Intent): string {
  if (status !== 'succeeded') return STATES[status] ?? status;
  return latest_charge?.amount_refunded === amount_received ? 'REFUNDED' : 'CAPTURED';
}
