// One fault, from load to audit: shoppers buy, the fault is injected and healed, the system recovers, every accepted
// order ends, and the audit finds nothing.
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { runAudit } from '../../cli/src/audit/audit.ts';
import { runDemo } from '../../cli/src/demo/demo.ts';
import { openStorefront } from '../../cli/src/demo/storefront.ts';
import type { Arena } from './arena.ts';
import type { Fault } from './fault.ts';
import { seconds } from './tools.ts';

export interface FaultOutcome {
  readonly fault: Fault;
  /** Undefined when it was injected; otherwise why it could not be. */
  readonly impossible: string | undefined;
  readonly orders: number;
  /** What should not be: invariants broken, orders unfinished, answers that disagree, or no recovery. */
  readonly violations: readonly string[];
  /** From the end of the injection to the first new order that was confirmed. */
  readonly recoveryMs: number;
}

const SETTLE_MS = 90_000;
const RECOVERY_LIMIT_MS = 60_000;
const CONCURRENCY = 6;

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });

export async function runFault(arena: Arena, fault: Fault, orders: number): Promise<FaultOutcome> {
  const impossible = fault.impossible?.();
  if (impossible !== undefined) return { fault, impossible, orders: 0, violations: [], recoveryMs: 0 };
  const violations: string[] = [];
  const load = runDemo({ url: arena.url, orders, concurrency: CONCURRENCY, json: true, out: nowhere() });
  await seconds(0.7);
  try {
    await fault.inject(arena);
  } catch (error) {
    violations.push((error as Error).message);
  }
  const recoveryMs = await recovered(arena).catch((error: Error) => {
    violations.push(error.message);
    return RECOVERY_LIMIT_MS;
  });
  const report = await load;
  if (report.unfinished.length > 0) violations.push(`${report.unfinished.length} orders were not decided`);
  violations.push(...report.disagreements);
  const audit = await runAudit({ databases: arena.databases, settleMs: SETTLE_MS, json: true, out: nowhere() });
  for (const { id, title, broken, examples } of audit.invariants) {
    if (broken > 0) violations.push(`${id} ${title}: ${broken} broken, for example ${examples[0]?.text ?? '?'}`);
  }
  if (audit.settled?.isQuiet === false) violations.push('the system did not come to rest');
  return { fault, impossible, orders: report.accepted, violations, recoveryMs };
}

/** Time until a new order is confirmed. */
async function recovered(arena: Arena): Promise<number> {
  const began = performance.now();
  const shop = openStorefront(arena.url, 2);
  try {
    while (performance.now() - began < RECOVERY_LIMIT_MS) {
      if (await buysSomething(shop)) return Math.round(performance.now() - began);
      await seconds(0.1);
    }
  } finally {
    await shop.close();
  }
  throw new Error(`no order was confirmed within ${RECOVERY_LIMIT_MS / 1000} s after the fault`);
}

async function buysSomething(shop: ReturnType<typeof openStorefront>): Promise<boolean> {
  const address = { name: 'Probe', line1: '1 Probe Street', city: 'Here', postalCode: '1', country: 'DE' };
  try {
    const offers = await shop.offers(null);
    const sku = offers.ok ? offers.offers.find(({ availability }) => availability === 'IN_STOCK')?.sku : undefined;
    if (sku === undefined) return false;
    const details = { email: 'probe@example.test', address, shippingMethodId: 'standard' };
    const cart = await shop.createCart({ ...details, lines: [{ sku, quantity: 1 }] });
    if (!cart.ok) return false;
    const placed = await shop.placeOrder({
      cartId: cart.cart.id,
      idempotencyKey: randomUUID(),
      paymentMethodId: 'card',
      paymentToken: 'tok_approve',
      waitMs: 5000,
    });
    return placed.ok && placed.order.status === 'CONFIRMED';
  } catch {
    return false;
  }
}
