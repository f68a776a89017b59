import { notFound } from '@stoa/chassis/rpc/errors';
import {
  OrderCancelledSchema,
  OrderConfirmedSchema,
  OrderPlacedSchema,
  OrderRejectedSchema,
  OrderShipmentCreatedSchema,
} from '@stoa/proto/stoa/orders/v1/events_pb';
import { OrderStatus, OrderStep } from '@stoa/proto/stoa/orders/v1/order_pb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { accessToken, type BffUnderTest, startBff } from '../bff-under-test.ts';
import { anOrder, createFakes, ORDER_ID, USER } from '../fakes.ts';
import { virtualClock } from '../virtual-clock.ts';

const fakes = createFakes();
const clock = virtualClock();
let bff: BffUnderTest;
beforeAll(async () => {
  bff = await startBff({ fakes: fakes.services, clock, env: { STOA_SUBSCRIPTIONS_MAX: '2' } });
});
afterEach(() => fakes.reset());
afterAll(() => bff.stop());

/** One who watches an order over server-sent events. */
async function watch(url = bff.url, options: { args?: string; token?: string; more?: string } = {}) {
  const leaving = new AbortController();
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    signal: leaving.signal,
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    },
    body: JSON.stringify({
      query: `subscription { orderStatusChanged(orderId: "${ORDER_ID}"${options.args ?? ''}) { version status ${options.more ?? ''} } }`,
    }),
  });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let buffered = '';
  /** The next event; pings are skipped. */
  const next = async (): Promise<{ event: string; data: Record<string, never> | undefined }> => {
    for (;;) {
      const end = buffered.indexOf('\n\n');
      if (end === -1) {
        const { value, done } = await reader.read();
        if (done) return { event: 'closed', data: undefined };
        buffered += Buffer.from(value).toString();
        continue;
      }
      const block = buffered.slice(0, end);
      buffered = buffered.slice(end + 2);
      const event = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: ?(.+)$/m.exec(block)?.[1];
      if (event !== undefined) return { event, data: data === undefined ? undefined : JSON.parse(data) };
    }
  };
  // biome-ignore lint/suspicious/noExplicitAny: whatever the answer holds
  const state = async () => ((await next()).data as any)?.data?.orderStatusChanged;
  return { response, next, state, leave: () => leaving.abort() };
}

const nobodyListens = () => expect.poll(() => bff.listeners()).toBe(0);
const progressed = (version: number) => ({ orderId: ORDER_ID, version: BigInt(version), order: anOrder(version) });

describe('orderStatusChanged', () => {
  test('tells the present state, then each change in order, and completes at the end', async () => {
    const shopper = await watch();
    expect(shopper.response.headers.get('content-type')).toContain('text/event-stream');
    expect(await shopper.state()).toEqual({ version: 2, status: 'PENDING' });
    bff.emit(OrderPlacedSchema, progressed(4));
    bff.emit(OrderPlacedSchema, progressed(3));
    bff.emit(OrderPlacedSchema, { ...progressed(9), orderId: 'another order' });
    const states = [await shopper.state(), await shopper.state()];
    // Whichever the stream took first, it never went back.
    expect(states.filter(Boolean).map(({ version }) => version)).toEqual([3, 4]);
    const confirmed = anOrder(5, OrderStatus.CONFIRMED, OrderStep.UNSPECIFIED);
    bff.emit(OrderConfirmedSchema, { orderId: ORDER_ID, version: 5n, order: confirmed });
    expect(await shopper.state()).toEqual({ version: 5, status: 'CONFIRMED' });
    const shipped = { ...confirmed, version: 6n, trackingNumber: 'T1' };
    bff.emit(OrderShipmentCreatedSchema, { orderId: ORDER_ID, version: 6n, order: shipped });
    expect(await shopper.state()).toEqual({ version: 6, status: 'CONFIRMED' });
    expect((await shopper.next()).event).toBe('complete');
    await nobodyListens();
  });

  test('what hangs on the order is read anew with each change, however long the stream is open', async () => {
    const shopper = await watch(bff.url, { more: 'history { version }' });
    expect((await shopper.state()).history).toHaveLength(2);
    await expect.poll(() => clock.sleepers).toBe(1);
    clock.advance(4_999);
    clock.advance(4_999);
    const last = { orderId: ORDER_ID, version: 3n, order: anOrder(3, OrderStatus.REJECTED) };
    bff.emit(OrderRejectedSchema, last);
    const states = [await shopper.state()];
    expect(states.at(-1)?.history).toHaveLength(3);
    expect(fakes.asked.filter(({ method }) => method === 'getOrderHistories')).toHaveLength(2);
    expect(fakes.asked.at(-1)?.timeoutMs).toBeGreaterThan(1_000);
    expect((await shopper.next()).event).toBe('complete');
  });

  test('finds by itself what the bus lost', async () => {
    const shopper = await watch();
    await shopper.state();
    await expect.poll(() => clock.sleepers).toBe(1);
    fakes.answer('getOrder', () => ({ order: anOrder(3, OrderStatus.REJECTED) }));
    clock.advance(5_000);
    expect(await shopper.state()).toEqual({ version: 3, status: 'REJECTED' });
    expect((await shopper.next()).event).toBe('complete');
  });

  test('every BFF process serves every order: two hear the same event', async () => {
    const other = await startBff({ fakes: fakes.services });
    const shoppers = [await watch(), await watch(other.url)];
    for (const shopper of shoppers) await shopper.state();
    const last = { orderId: ORDER_ID, version: 3n, order: anOrder(3, OrderStatus.CANCELLED) };
    bff.emit(OrderCancelledSchema, last);
    other.emit(OrderCancelledSchema, last);
    for (const shopper of shoppers) expect(await shopper.state()).toEqual({ version: 3, status: 'CANCELLED' });
    await other.stop();
  });

  test('reads with the rights of whoever asks', async () => {
    const token = accessToken(USER);
    const shopper = await watch(bff.url, { args: ', accessToken: "order-token"', token });
    await shopper.state();
    expect(fakes.asked[0]).toMatchObject({
      method: 'getOrder',
      request: { orderId: ORDER_ID, accessToken: 'order-token' },
    });
    expect(fakes.asked[0]?.header.get('authorization')).toBe(`Bearer ${token}`);
    shopper.leave();
    await nobodyListens();
  });

  test("somebody else's order ends it at once with an error and nothing more", async () => {
    fakes.answer('getOrder', () => {
      throw notFound('ORDER_NOT_FOUND', 'no such order');
    });
    const shopper = await watch();
    const { data } = await shopper.next();
    expect(JSON.stringify(data)).toContain('NOT_FOUND');
    await nobodyListens();
  });

  test('a token that is over is UNAUTHENTICATED', async () => {
    const shopper = await watch(bff.url, { token: accessToken(USER, -30) });
    expect(JSON.stringify((await shopper.next()).data)).toContain('UNAUTHENTICATED');
    await nobodyListens();
  });

  test('a client that goes away while nothing happens leaves no listener', async () => {
    const shopper = await watch();
    await shopper.state();
    expect(bff.listeners()).toBe(1);
    await expect.poll(() => clock.sleepers).toBe(1);
    shopper.leave();
    await nobodyListens();
    expect(clock.sleepers).toBe(0);
  });

  test('beyond what the process may serve, the next is refused as UNAVAILABLE', async () => {
    const shoppers = [await watch(), await watch()];
    for (const shopper of shoppers) await shopper.state();
    const third = await watch();
    expect(JSON.stringify((await third.next()).data)).toContain('UNAVAILABLE');
    for (const shopper of shoppers) shopper.leave();
    await nobodyListens();
  });
});

test('a process that stops ends its streams, so that its port can close', async () => {
  const stopping = await startBff({ fakes: fakes.services });
  const shopper = await watch(stopping.url);
  await shopper.state();
  await stopping.endStreams();
  expect((await shopper.next()).event).toBe('complete');
  stopping.emit(OrderRejectedSchema, { orderId: ORDER_ID, version: 3n });
  await stopping.stop();
});
