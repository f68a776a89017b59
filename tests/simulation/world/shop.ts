// The clients of a world: they fill carts, place orders, repeat what was not answered, press twice, change their minds,
// and write down everything they did and heard.

import type { DescService } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { serviceNameOf } from '@stoa/chassis/rpc/clients';
import { reasonOf } from '@stoa/chassis/rpc/errors';
import { type Cart, CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import type { Money } from '@stoa/proto/stoa/common/v1/money_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { TOKENS } from '../../../services/payments/src/infrastructure/sandbox/tokens.ts';
import { Incarnation } from '../ports/process.ts';
import { type Attempt, createHistory, type Heard } from './history.ts';
import { tokenOf } from './machine.ts';
import { createShopkeeper } from './shopkeeper.ts';
import type { World } from './world.ts';

/** Every card that is not simply good. */
const TROUBLE = Object.keys(TOKENS).filter((token) => token !== 'tok_approve');

const UNKNOWN_OUTCOMES = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Canceled,
  Code.Unknown,
  Code.Internal,
  Code.Aborted,
  Code.ResourceExhausted,
]);

const ADDRESS = { name: 'Ada', line1: '1 Road', line2: '', city: 'Berlin', postalCode: '10115', country: 'DE' };
const customerId = (client: number) => `0190a000-0000-7000-8000-0000000001${String(client).padStart(2, '0')}`;

const PROBES_MAX = 5;
const LOOKS_MAX = 20;
const PENDING = 1;
const CONFIRMED = 2;

interface Purchase {
  readonly key: string;
  readonly cartId: string;
  readonly token: string;
  readonly customer: string | undefined;
  readonly waitMs: number;
  /** What the customer saw, and pays no more than. */
  readonly expectedTotal: Money | undefined;
}

export function createShop(world: World) {
  const { kernel, options, network } = world;
  const rng = world.rng.fork('shop');
  const self = new Incarnation('client', kernel, rng.fork('process'));
  const { clock, ids } = self.runtime();
  const history = createHistory();
  const purchases = new Map<string, Purchase>();
  let busy = 0;

  const client = <S extends DescService>(service: S, caller = 'bff'): Client<S> =>
    createClient(service, network.transport(self, caller, serviceNameOf(service)));
  const carts = client(CartService);
  const orders = client(OrdersService);

  const asCustomer = (customer: string | undefined) =>
    customer === undefined
      ? {}
      : { headers: { authorization: `Bearer ${tokenOf({ id: customer, role: 'customer' })}` } };
  const sleep = (ms: number) => clock.sleep(ms);

  /** Repeats until it works; for what is not under test. */
  async function insist<T>(call: () => Promise<T>, until: (value: T) => boolean = () => true): Promise<T> {
    for (;;) {
      try {
        const value = await call();
        if (until(value)) return value;
      } catch (error) {
        kernel.note('client', `tries again after: ${(error as Error).message}`);
      }
      await sleep(rng.between(100, 1000));
    }
  }

  const shopkeeper = createShopkeeper({ world, rng: rng.fork('shopkeeper'), self, insist });
  const skus = shopkeeper.articles.map(({ sku }) => sku);

  async function fillCart(customer: string | undefined): Promise<Cart> {
    const wanted = rng.shuffle(skus).slice(0, 1 + rng.below(skus.length));
    const lines = wanted.map((sku) => ({ sku, quantity: 1 + rng.below(3) }));
    const details = { email: 'ada@example.org', address: ADDRESS, shippingMethodId: rng.pick(['standard', 'express']) };
    const { cart } = await insist(() => carts.createCart({ currency: 'EUR', lines, details }, asCustomer(customer)));
    return remember(cart);
  }

  function remember(cart: Cart | undefined): Cart {
    if (cart === undefined) throw new Error('there was no cart in the answer');
    history.carts.set(`${cart.id} ${cart.version}`, cart.lines);
    return cart;
  }

  /** Thinks again about how many, while the order may be on its way. */
  async function edit({ id: cartId, lines }: Cart, customer: string | undefined): Promise<void> {
    await sleep(rng.between(0, rng.pick([10, 200, 2000])));
    const changed = lines.slice(0, 1).map(({ sku, quantity }) => ({ sku, quantity: (quantity % 3) + 1 }));
    await carts.updateLines({ cartId, lines: changed }, asCustomer(customer)).then(
      ({ cart }) => remember(cart),
      () => {},
    );
  }

  async function place({ key, cartId, token, customer, waitMs, expectedTotal }: Purchase): Promise<Heard> {
    const request = {
      cartId,
      idempotencyKey: key,
      paymentMethodId: 'card',
      paymentToken: token,
      waitMs,
      ...(expectedTotal === undefined ? {} : { expectedTotal }),
    };
    const beganMs = kernel.now;
    try {
      const answer = await orders.placeOrder(request, asCustomer(customer));
      see(answer.order, beganMs);
      tokens.set(answer.order?.id ?? '', answer.accessToken);
      return { kind: 'ok', orderId: answer.order?.id ?? '' };
    } catch (error) {
      const { code, message } = ConnectError.from(error);
      const reason = reasonOf(error) ?? `${Code[code]}: ${message}`;
      return UNKNOWN_OUTCOMES.has(code) ? { kind: 'unknown', reason } : { kind: 'refused', reason };
    }
  }
  const tokens = new Map<string, string>();

  async function attempt(purchase: Purchase): Promise<Heard> {
    const { key, cartId, customer, expectedTotal } = purchase;
    const entry: Attempt = {
      key,
      cartId,
      customerId: customer,
      expectedMinor: expectedTotal?.minor,
      beganMs: kernel.now,
      endedMs: Infinity,
      heard: undefined,
    };
    history.attempts.push(entry);
    const heard = await place(purchase);
    entry.heard = heard;
    entry.endedMs = kernel.now;
    kernel.note('client', `${key}: ${heard.kind} ${heard.kind === 'ok' ? heard.orderId : heard.reason}`);
    return heard;
  }

  /** Sends it until the outcome is known, or `tries` are used up. */
  async function buy(purchase: Purchase, tries: number): Promise<Heard> {
    purchases.set(purchase.key, purchase);
    for (let i = 1; ; i++) {
      const heard = await attempt(purchase);
      if (heard.kind !== 'unknown' || i >= tries) return heard;
      await sleep(rng.between(50, 2000));
    }
  }

  type Seen = { readonly id: string; readonly version: bigint; readonly status: number } | undefined;
  function see(order: Seen, beganMs: number): void {
    if (order === undefined) return;
    const { id: orderId, version, status } = order;
    history.sightings.push({ orderId, version, status, beganMs, endedMs: kernel.now });
  }

  function missed(error: unknown, orderId: string): void {
    if (ConnectError.from(error).code === Code.NotFound) history.missing.push(orderId);
  }

  async function look(orderId: string, customer: string | undefined): Promise<void> {
    const beganMs = kernel.now;
    const accessToken = tokens.get(orderId) ?? '';
    await orders.getOrder({ orderId, accessToken }, asCustomer(customer)).then(
      ({ order }) => see(order, beganMs),
      (error) => missed(error, orderId),
    );
  }

  async function cancel(orderId: string, customer: string | undefined): Promise<void> {
    await sleep(rng.between(0, rng.pick([50, 1000, 10_000])));
    const accessToken = tokens.get(orderId) ?? '';
    await orders.cancelOrder({ orderId, accessToken, reason: '' }, asCustomer(customer)).then(
      () => history.cancelled.add(orderId),
      (error) => missed(error, orderId),
    );
  }

  async function misuse(purchase: Purchase): Promise<void> {
    const { id: cartId } = await fillCart(purchase.customer);
    const beganMs = kernel.now;
    const heard = await place({ ...purchase, cartId });
    history.misuses.push({ key: purchase.key, beganMs, heard });
  }

  async function order(number: number, round: number): Promise<void> {
    const customer = number % 2 === 0 ? customerId(number) : undefined;
    const cart = await fillCart(customer);
    const purchase: Purchase = {
      key: `key-${number}-${round}-${ids.uuid().slice(-12)}`,
      cartId: cart.id,
      token: rng.chance(options.troublesomeCards) ? rng.pick(TROUBLE) : 'tok_approve',
      customer,
      waitMs: rng.pick([0, 0, 500, 3000]),
      expectedTotal: rng.chance(0.3) ? cart.totals?.total : undefined,
    };
    if (rng.chance(0.15)) start(() => edit(cart, customer));
    const sends = rng.chance(0.25) ? 1 + rng.below(3) : 1;
    const tries = rng.below(4) + 1;
    const all = Array.from({ length: sends }, () => buy(purchase, tries));
    // Pressed twice, with a key each.
    if (rng.chance(0.1)) all.push(buy({ ...purchase, key: `${purchase.key}-again` }, 2));
    const heard = (await Promise.all(all)).find(({ kind }) => kind === 'ok');
    if (heard?.kind !== 'ok') return;
    if (rng.chance(0.15)) await misuse(purchase);
    const looks = rng.below(3);
    const more = Array.from({ length: looks }, async () => {
      await sleep(rng.between(0, 5000));
      await look(heard.orderId, customer);
    });
    if (rng.chance(options.cancels)) more.push(cancel(heard.orderId, customer));
    await Promise.all(more);
    if (rng.chance(0.4)) await payAgain(purchase, heard.orderId);
  }

  /** Whose order was rejected, or called off, tries once more with the same cart and a good card. */
  async function payAgain(purchase: Purchase, orderId: string): Promise<void> {
    for (let i = 0; i < LOOKS_MAX; i++) {
      await look(orderId, purchase.customer);
      const status = history.sightings.findLast((seen) => seen.orderId === orderId)?.status ?? PENDING;
      if (status === CONFIRMED) return;
      if (status > CONFIRMED) break;
      await sleep(rng.between(100, 2000));
    }
    const second = { ...purchase, key: `${purchase.key}-then`, token: 'tok_approve', expectedTotal: undefined };
    await buy(second, 3);
  }

  async function customerLife(number: number): Promise<void> {
    for (let round = 0; round < options.ordersEach; round++) {
      await sleep(rng.between(0, options.thinkMaxMs));
      await order(number, round);
    }
  }

  /** Whether a new order for one unit is confirmed. */
  async function buyOne(sku: string): Promise<boolean> {
    const details = { email: 'ada@example.org', address: ADDRESS, shippingMethodId: 'standard' };
    const { cart } = await insist(() => carts.createCart({ currency: 'EUR', lines: [{ sku, quantity: 1 }], details }));
    const key = `probe-${sku}-${ids.uuid()}`;
    const purchase = {
      cartId: cart?.id as string,
      token: 'tok_approve',
      customer: undefined,
      expectedTotal: undefined,
    };
    const heard = await buy({ ...purchase, key, waitMs: 0 }, 20);
    if (heard.kind !== 'ok') return false;
    const { orderId } = heard;
    const accessToken = tokens.get(orderId) ?? '';
    const { order: seen } = await insist(
      () =>
        orders.getOrder({ orderId, accessToken }).then(async (answer) => {
          await sleep(200);
          return answer;
        }),
      ({ order: latest }) => (latest?.status ?? 0) > PENDING,
    );
    kernel.note('client', `${key}: ${seen?.status} ${seen?.reason}`);
    return seen?.status === CONFIRMED;
  }

  function start(task: () => Promise<void>): void {
    busy++;
    void task().finally(() => busy--);
  }

  /** Keys whose last word was not definite. */
  const unresolved = () =>
    [...purchases.values()].filter(
      ({ key }) => !history.attempts.some((a) => a.key === key && a.heard !== undefined && a.heard.kind === 'ok'),
    );

  return {
    history,
    articles: shopkeeper.articles,
    idle: () => busy === 0,
    setUp: () => start(shopkeeper.fillShelves),
    open: () => {
      start(shopkeeper.work);
      for (let number = 0; number < options.clients; number++) start(() => customerLife(number));
    },
    /** Sends everything again whose outcome is not known. */
    resolve: () => {
      history.calmMs = kernel.now;
      for (const purchase of unresolved()) start(() => buy({ ...purchase, waitMs: 0 }, 50).then(() => {}));
    },
    /** One more customer, when everything is well: the shop must sell what is left. */
    probe: (sku: string, done: (bought: boolean) => void) =>
      start(async () => {
        for (let i = 0; i < PROBES_MAX; i++) {
          if (await buyOne(sku)) return done(true);
          await sleep(3000);
        }
        done(false);
      }),
  };
}

export type Shop = ReturnType<typeof createShop>;
