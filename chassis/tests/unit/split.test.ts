// Calls split between a stable version and its canary: by weight, by the pin, and back when the canary is gone.
import { createClient, type Transport } from '@connectrpc/connect';
import { readSplits } from '@stoa/chassis/host/splits-file';
import { isPinned, readPin } from '@stoa/chassis/rpc/canary';
import { createClients } from '@stoa/chassis/rpc/clients';
import { createSplitTransport, goesToCanary, type Split } from '@stoa/chassis/rpc/split';
import { type Random, systemRuntime } from '@stoa/chassis/runtime';
import { EventLogService } from '@stoa/proto/stoa/chassis/v1/event_log_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { describe, expect, it } from 'vitest';

/** 0, 1, 2, … below the bound, again and again: a hundred draws hold each number once. */
function counting(): Random {
  let next = 0;
  return { below: (bound) => next++ % bound, bytes: (length) => new Uint8Array(length) };
}

function place(name: string, calls: string[]): Transport {
  return {
    network: true,
    async unary(method: unknown) {
      calls.push(name);
      return {
        stream: false,
        service: OrdersService,
        method,
        message: {},
        header: new Headers(),
        trailer: new Headers(),
      };
    },
    stream: () => Promise.reject(new Error('not here')),
  } as unknown as Transport;
}

function setup(initial: Split | undefined) {
  const calls: string[] = [];
  const state = { split: initial };
  const transport = createSplitTransport({
    service: 'orders',
    stable: place('stable', calls),
    canaryAt: (address) => place(address, calls),
    splits: (service) => (service === 'orders' ? state.split : undefined),
    random: counting(),
  });
  const client = createClient(OrdersService, transport);
  const call = async (count: number, pin?: string) => {
    for (let n = 0; n < count; n++)
      await client.getOrder({}, pin === undefined ? {} : { headers: { 'x-stoa-canary': pin } });
    return calls.splice(0);
  };
  return { call, state };
}
const atCanary = (calls: readonly string[]) => calls.filter((place) => place === 'canary:1').length;

describe('calls to a service with a canary', () => {
  it('are split by weight, and follow it as it changes', async () => {
    const { call, state } = setup({ address: 'canary:1', percent: 10 });
    expect(atCanary(await call(100))).toBe(10);
    state.split = { address: 'canary:1', percent: 50 };
    expect(atCanary(await call(100))).toBe(50);
    state.split = { address: 'canary:1', percent: 0 };
    expect(atCanary(await call(100))).toBe(0);
    state.split = undefined;
    expect(atCanary(await call(100, 'orders'))).toBe(0);
  });

  it('go there when they are pinned to it, whatever its weight, and not when they are pinned to another', async () => {
    const { call } = setup({ address: 'canary:1', percent: 0 });
    expect(await call(1, 'orders')).toEqual(['canary:1']);
    expect(await call(1, 'always')).toEqual(['canary:1']);
    expect(await call(1, 'cart')).toEqual(['stable']);
  });

  it('all go there at a hundred, none at nothing', () => {
    const random = counting();
    const count = (percent: number) =>
      Array.from({ length: 100 }, () => goesToCanary('orders', percent, '', random)).filter(Boolean).length;
    expect([0, 1, 99, 100].map(count)).toEqual([0, 1, 99, 100]);
  });

  it('are those of the contract; a producer’s event log is asked at the stable version', async () => {
    const calls: string[] = [];
    const { clock } = systemRuntime();
    const client = createClients({
      transportFor: () => place('stable', calls),
      split: { of: () => ({ address: 'canary:1', percent: 100 }), transportTo: (address) => place(address, calls) },
      retries: 'app',
      clock,
      random: counting(),
    });
    await client(OrdersService).getOrder({});
    await client(EventLogService, { of: 'orders' }).sync({});
    expect(calls).toEqual(['canary:1', 'stable']);
  });
});

describe('a pin', () => {
  it('is one service’s name or always; anything else is none', () => {
    expect(['orders', 'always', 'Orders', 'orders,cart', '', ' orders', 'x'.repeat(41)].map(readPin)).toEqual([
      'orders',
      'always',
      ...Array(5).fill(''),
    ]);
    expect(readPin(undefined)).toBe('');
    expect([isPinned('orders', 'orders'), isPinned('always', 'orders'), isPinned('', 'orders')]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('a file of splits', () => {
  it('names address and percent of each service, and is refused when it does not', () => {
    const text = '{"orders": {"address": "127.0.0.1:6001", "percent": 10}}';
    expect(readSplits(text)).toEqual(new Map([['orders', { address: '127.0.0.1:6001', percent: 10 }]]));
    for (const bad of [
      '{"orders": {"address": "nowhere", "percent": 10}}',
      '{"orders": {"address": "a:1", "percent": 101}}',
      '[',
    ]) {
      expect(() => readSplits(bad)).toThrow();
    }
  });
});
