// One call under a deadline.
import { systemRuntime } from '@stoa/chassis/runtime';
import { expect, test } from 'vitest';
import type { Operation } from '../../src/domain/payment.ts';
import type { DueCall } from '../../src/infrastructure/attempt-store.ts';
import { callProvider } from '../../src/infrastructure/call-provider.ts';
import type { PaymentProvider, ProviderRequest } from '../../src/infrastructure/provider.ts';
import { ORDER, PAYMENT } from './fixtures.ts';

const { clock } = systemRuntime();
const due = (operation: Operation): DueCall => ({
  paymentId: PAYMENT,
  operation,
  orderId: ORDER,
  attempts: 1,
  ageSeconds: 0,
  amountMinor: 4200n,
  currency: 'EUR',
  methodId: 'card',
  token: 'tok_approve',
  reference: '',
});

function providerThat(answer: (request: ProviderRequest, signal: AbortSignal) => Promise<unknown>): PaymentProvider {
  return {
    name: 'fake',
    voidsByReference: true,
    methods: () => [],
    authorize: answer,
    capture: answer,
    void: answer,
    refund: answer,
    lookup: async () => [],
    list: async () => ({ records: [], cursor: undefined }),
    readWebhook: () => undefined,
    problem: () => undefined,
  };
}

const never = new AbortController().signal;

test('the key is made of the payment id and the operation, the same at every repetition', async () => {
  const keys: string[] = [];
  const provider = providerThat(async ({ key }) => {
    keys.push(key);
    return { kind: 'approved', reference: '' };
  });
  for (const operation of ['authorize', 'capture', 'void', 'refund', 'refund'] as const) {
    await callProvider(provider, due(operation), { clock, deadlineMs: 1000, stop: never });
  }
  expect(keys).toEqual([`${PAYMENT}:authorize`, `${PAYMENT}:capture`, `${PAYMENT}:void`, `${PAYMENT}:refund`, keys[3]]);
});

test('a provider that does not answer in time leaves the outcome unknown, and its call is aborted', async () => {
  let aborted = false;
  const provider = providerThat((_request, signal) => {
    signal.addEventListener('abort', () => {
      aborted = true;
    });
    return new Promise(() => undefined);
  });
  const outcome = await callProvider(provider, due('authorize'), { clock, deadlineMs: 10, stop: never });
  expect(outcome).toEqual({ kind: 'unknown', code: 'DEADLINE_EXCEEDED' });
  expect(aborted).toBe(true);
});

test('a provider that breaks leaves the outcome unknown: it may have charged before it broke', async () => {
  const provider = providerThat(() => Promise.reject(new Error('socket hang up')));
  const outcome = await callProvider(provider, due('capture'), { clock, deadlineMs: 1000, stop: never });
  expect(outcome).toEqual({ kind: 'unknown', code: 'CALL_FAILED' });
});

test('a call that is cut off has no outcome at all', async () => {
  const stop = new AbortController();
  const provider = providerThat(() => new Promise(() => undefined));
  const call = callProvider(provider, due('authorize'), { clock, deadlineMs: 60_000, stop: stop.signal });
  stop.abort();
  expect(await call).toBeUndefined();
});
