// One fault, from load to audit: shoppers buy, the fault is injected and healed, the system recovers, every accepted
// order ends, and the audit finds nothing.
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import pg from 'pg';
import { runAudit } from '../../cli/src/audit/audit.ts';
import { type DemoReport, runDemo } from '../../cli/src/demo/demo.ts';
import type { Arena } from './arena.ts';
import { DETAILS, type Storefront, withShop } from './buyers.ts';
import type { Fault } from './fault.ts';
import { seconds } from './tools.ts';

export interface FaultOutcome {
  readonly fault: Fault;
  /** Undefined when it was injected; otherwise why it could not be. */
  readonly impossible: string | undefined;
  readonly orders: number;
  /** What should not be: invariants broken, orders unfinished, answers that disagree, or no recovery. */
  readonly violations: readonly string[];
  /** From the end of the injection until a new order is confirmed and every service is ready. */
  readonly recoveryMs: number;
}

/** They only decide when a run is given up. */
const READY_MS = 120_000;
const FIRST_ORDERS_MS = 120_000;
const SETTLE_MS = 90_000;
/** A recovery is measured for so long, whatever is expected of it. */
const RECOVERY_LIMIT_MS = 120_000;
const RECOVERS_WITHIN_S = 15;
const CONCURRENCY = 6;
/** Orders that are on their way when the fault strikes. */
const FIRST_ORDERS = 6;

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });

/** Drives at least so many orders, and goes on buying until the fault is over and the shop has recovered. */
export async function runFault(arena: Arena, fault: Fault, orders: number): Promise<FaultOutcome> {
  const impossible = fault.impossible?.() ?? lacking(arena, fault);
  if (impossible !== undefined) return { fault, impossible, orders: 0, violations: [], recoveryMs: 0 };
  // A fault must not fail because of the one before it.
  await arena.ready(READY_MS);
  await arena.disarm();
  await confirmed(arena, READY_MS);
  const before = await countOrders(arena);
  const load = startLoad(arena, orders);
  const violations: string[] = [];
  const recoveryMs = await injectAndRecover(arena, fault, load, violations);
  const report = await load.end();
  if (report.unfinished.length > 0) violations.push(`${report.unfinished.length} orders were not decided`);
  violations.push(...report.disagreements);
  const audit = await runAudit({ databases: arena.databases, settleMs: SETTLE_MS, json: true, out: nowhere() });
  for (const { id, title, broken, examples } of audit.invariants) {
    if (broken > 0) violations.push(`${id} ${title}: ${broken} broken, for example ${examples[0]?.text ?? '?'}`);
  }
  if (audit.settled?.isQuiet === false)
    violations.push(`the system did not come to rest: ${audit.settled.busy.join('; ')}`);
  return { fault, impossible, orders: (await countOrders(arena)) - before, violations, recoveryMs };
}

/** What its time to recover breaks. Kept apart: on a machine that is busy with other things it says nothing of the shop. */
export function slowness({ fault, impossible, recoveryMs }: FaultOutcome): string[] {
  const { recoversWithinS = RECOVERS_WITHIN_S } = fault;
  if (impossible !== undefined || recoveryMs <= recoversWithinS * 1000) return [];
  return [`recovered after ${(recoveryMs / 1000).toFixed(1)} s, and not within ${recoversWithinS} s`];
}

function lacking({ disks, clock, link }: Arena, { needs }: Fault): string | undefined {
  if (needs === 'disks' && disks === undefined) return 'small file systems cannot be mounted here';
  if (needs === 'clock' && clock === undefined) return 'libfaketime (a Debian package) is not installed';
  if (needs === 'link' && link === undefined) return 'the shop was started without the proxy to its broker';
  return undefined;
}

interface Load {
  /** Resolves when the first orders were accepted; throws when none are. */
  readonly begun: Promise<void>;
  end(): Promise<DemoReport>;
}

function startLoad(arena: Arena, orders: number): Load {
  const over = new AbortController();
  const { promise: begun, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(() => reject(new Error('no orders were accepted before the fault')), FIRST_ORDERS_MS);
  let accepted = 0;
  const onAccepted = () => {
    if (++accepted === FIRST_ORDERS) resolve();
  };
  const { url } = arena;
  const options = { url, orders, concurrency: CONCURRENCY, goOnUntil: over.signal, onAccepted };
  const report = runDemo({ ...options, json: true, out: nowhere() });
  return {
    begun: begun.finally(() => clearTimeout(late)),
    async end() {
      over.abort();
      return report;
    },
  };
}

async function injectAndRecover(arena: Arena, fault: Fault, load: Load, violations: string[]): Promise<number> {
  const loose: Promise<unknown>[] = [];
  const tell = (error: Error) => {
    violations.push(error.message);
  };
  await load.begun.then(() => fault.inject(arena, loose)).catch(tell);
  const recoveryMs = await recovered(arena).catch((error: Error) => {
    tell(error);
    return RECOVERY_LIMIT_MS;
  });
  await Promise.all(loose).catch(tell);
  // Whatever was armed and did not happen must not happen to the next fault.
  await arena.disarm().catch(tell);
  return recoveryMs;
}

async function countOrders({ databases }: Arena): Promise<number> {
  const client = new pg.Client({ connectionString: databases.orders as string });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>('select count(*) from orders');
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}

/** Time until a new order is confirmed and every service is ready. */
async function recovered(arena: Arena): Promise<number> {
  const began = performance.now();
  await confirmed(arena, RECOVERY_LIMIT_MS);
  await arena.ready(RECOVERY_LIMIT_MS);
  return Math.round(performance.now() - began);
}

/** Resolves when a new order is confirmed. */
async function confirmed(arena: Arena, limitMs: number): Promise<void> {
  const until = performance.now() + limitMs;
  await withShop(arena, async (shop) => {
    while (!(await buysSomething(shop))) {
      if (performance.now() > until) throw new Error(`no order was confirmed within ${limitMs / 1000} s`);
      await seconds(0.1);
    }
  });
}

async function buysSomething(shop: Storefront): Promise<boolean> {
  const offers = await shop.offers(null);
  const sku = offers.ok ? offers.offers.find(({ availability }) => availability === 'IN_STOCK')?.sku : undefined;
  if (sku === undefined) return false;
  const cart = await shop.createCart({ ...DETAILS, lines: [{ sku, quantity: 1 }] });
  if (!cart.ok) return false;
  const input = { cartId: cart.cart.id, idempotencyKey: randomUUID(), paymentMethodId: 'card', waitMs: 5000 };
  const placed = await shop.placeOrder({ ...input, paymentToken: 'tok_approve' });
  return placed.ok && placed.order.status === 'CONFIRMED';
}
