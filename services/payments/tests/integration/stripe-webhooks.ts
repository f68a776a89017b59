// The double's webhooks: signed as Stripe signs, over real HTTP, and in every way that they can go wrong.
import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import type { Intent } from './stripe-books.ts';

export function createWebhooks() {
  let target: { readonly url: string; readonly secret: string } | undefined;
  const underWay = new Set<Promise<void>>();
  const statuses: number[] = [];

  function eventOf(intent: Intent, type: string, created: number) {
    const object = { ...intent };
    return JSON.stringify({ id: `evt_${randomUUID()}`, object: 'event', type, created, data: { object } });
  }

  async function deliver(payload: string, forged: boolean): Promise<void> {
    if (target === undefined) return;
    const secret = forged ? 'whsec_forged' : target.secret;
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret });
    const headers = { 'stripe-signature': signature, 'content-type': 'application/json' };
    const response = await fetch(target.url, { method: 'POST', headers, body: payload }).catch(() => undefined);
    if (response !== undefined) statuses.push(response.status);
    await response?.body?.cancel();
  }

  function send(...deliveries: readonly (() => Promise<void>)[]): void {
    const sent = deliveries
      .reduce((before, next) => before.then(next), Promise.resolve())
      .finally(() => underWay.delete(sent));
    underWay.add(sent);
  }

  function tell(intent: Intent): void {
    const type = intent.status === 'requires_capture' ? 'amount_capturable_updated' : 'payment_failed';
    const payload = eventOf(intent, `payment_intent.${type}`, intent.created);
    send(() => deliver(payload, false));
  }

  return {
    statuses,
    to(url: string, secret: string): void {
      target = { url, secret };
    },
    tell,
    /** The webhook of a late charge, spoilt as its token says. */
    tellLate(token: string, intent: Intent): void {
      const payload = eventOf(intent, 'payment_intent.amount_capturable_updated', intent.created);
      const older = eventOf(intent, 'payment_intent.processing', intent.created - 10);
      const once = () => deliver(payload, false);
      if (token === 'tok_webhook_lost') return;
      if (token === 'tok_webhook_forged') send(() => deliver(payload, true));
      else if (token === 'tok_webhook_duplicated') send(once, once, once);
      else if (token === 'tok_webhook_reordered') send(once, () => deliver(older, false));
      else send(once);
    },
    async close() {
      await Promise.all(underWay);
    },
  };
}
