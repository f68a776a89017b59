import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { IdentityService } from '@stoa/proto/stoa/identity/v1/identity_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClients, serviceNameOf } from '../../src/rpc/clients.ts';
import { reasonOf } from '../../src/rpc/errors.ts';
import { systemRuntime } from '../../src/runtime.ts';
import { countingRandom } from './rpc-fixture.ts';

type Answer = Code | 'ok' | 'hang';

/** A network transport that answers as told and notes what it was asked. */
function fakeTransport(answers: (call: number) => Answer) {
  const timeouts: (number | undefined)[] = [];
  const transport = {
    network: true,
    async unary(method: unknown, _signal: unknown, timeoutMs: number | undefined) {
      timeouts.push(timeoutMs);
      const answer = answers(timeouts.length);
      if (answer === 'hang') return new Promise(() => {});
      if (answer !== 'ok') throw new ConnectError('fake', answer);
      return { message: {}, method, header: new Headers(), trailer: new Headers() };
    },
    stream: () => Promise.reject(new Error('not here')),
  };
  return { transport: transport as unknown as Transport, timeouts };
}

function setup(answers: (call: number) => Answer, retries: 'app' | 'mesh' = 'app') {
  const { transport, timeouts } = fakeTransport(answers);
  const { clock } = systemRuntime();
  const client = createClients({ transportFor: () => transport, retries, clock, random: countingRandom() });
  return { client, timeouts };
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'ok',
    (error: unknown) => reasonOf(error) ?? (error as ConnectError).code,
  );
}

// cockatiel reads the time by itself; with fake timers its pauses cost the tests nothing.
beforeEach(() => vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 1 }));
afterEach(() => vi.useRealTimers());

describe('retries', () => {
  it('repeat what the contract calls repeatable when the target is unavailable, at most twice', async () => {
    const once = setup((call) => (call === 1 ? Code.Unavailable : 'ok'));
    expect(await codeOf(once.client(OrdersService).getOrder({}))).toBe('ok');
    expect(once.timeouts).toHaveLength(2);
    const always = setup(() => Code.Unavailable);
    expect(await codeOf(always.client(OrdersService).placeOrder({}))).toBe(Code.Unavailable);
    expect(always.timeouts).toHaveLength(3);
  });

  it('leave alone what may not be repeated', async () => {
    const { client, timeouts } = setup(() => Code.Unavailable);
    expect(await codeOf(client(IdentityService).register({}))).toBe(Code.Unavailable);
    expect(timeouts).toHaveLength(1);
  });

  it.each([Code.ResourceExhausted, Code.DeadlineExceeded, Code.Internal, Code.Aborted, Code.NotFound])(
    'do not follow code %s',
    async (code) => {
      const { client, timeouts } = setup(() => code);
      expect(await codeOf(client(OrdersService).getOrder({}))).toBe(code);
      expect(timeouts).toHaveLength(1);
    },
  );

  it("share the call's deadline", async () => {
    const { client, timeouts } = setup((call) => (call === 1 ? Code.Unavailable : 'ok'));
    await client(OrdersService).getOrder({}, { timeoutMs: 1000 });
    expect(timeouts[1]).toBeLessThanOrEqual(1000);
  });

  it('do not start when hardly any time is left', async () => {
    const { client, timeouts } = setup(() => Code.Unavailable);
    expect(await codeOf(client(OrdersService).getOrder({}, { timeoutMs: 15 }))).toBe(Code.Unavailable);
    expect(timeouts).toHaveLength(1);
  });

  it('stay within a tenth of all calls when everything fails', async () => {
    // Every tenth call succeeds, so that the breaker stays closed and only the budget bounds the retries.
    const { client, timeouts } = setup((call) => (call % 10 === 0 ? 'ok' : Code.Unavailable));
    for (let call = 0; call < 200; call += 1) await codeOf(client(OrdersService).getOrder({}));
    // 10 saved up at the start, and a tenth of 200.
    expect(timeouts.length).toBeLessThanOrEqual(200 + 10 + 20);
  });

  it('are left to the mesh where there is one', async () => {
    const { client, timeouts } = setup(() => Code.Unavailable, 'mesh');
    expect(await codeOf(client(OrdersService).getOrder({}))).toBe(Code.Unavailable);
    expect(timeouts).toHaveLength(1);
  });
});

describe('the breaker', () => {
  it('opens after ten calls without service, tries one call after two seconds, and closes when it succeeds', async () => {
    let well = false;
    const { client, timeouts } = setup(() => (well ? 'ok' : Code.Unavailable));
    const { register } = client(IdentityService);
    for (let call = 0; call < 10; call += 1) expect(await codeOf(register({}))).toBe(Code.Unavailable);
    expect(await codeOf(register({}))).toBe('CIRCUIT_OPEN');
    expect(timeouts).toHaveLength(10);
    vi.advanceTimersByTime(2_001);
    expect(await codeOf(register({}))).toBe(Code.Unavailable);
    expect(await codeOf(register({}))).toBe('CIRCUIT_OPEN');
    well = true;
    vi.advanceTimersByTime(2_001);
    expect(await codeOf(register({}))).toBe('ok');
    expect(await codeOf(register({}))).toBe('ok');
  });

  it('refuses others at once while its one probe is under way', async () => {
    let answer: Answer = Code.Unavailable;
    const { client, timeouts } = setup(() => answer);
    const { register } = client(IdentityService);
    for (let call = 0; call < 10; call += 1) await codeOf(register({}));
    answer = 'hang';
    vi.advanceTimersByTime(2_001);
    void register({}).catch(() => {});
    expect(await codeOf(register({}))).toBe('CIRCUIT_OPEN');
    expect(timeouts).toHaveLength(11);
  });

  it('does not count refusals, nor deadlines that were too short to say anything', async () => {
    const { client, timeouts } = setup((call) => (call % 2 === 0 ? Code.NotFound : Code.DeadlineExceeded));
    for (let call = 0; call < 30; call += 1) await codeOf(client(OrdersService).getOrder({}, { timeoutMs: 100 }));
    expect(timeouts).toHaveLength(30);
  });
});

describe('the bulkhead', () => {
  it('bounds how many calls run and wait', async () => {
    const { client, timeouts } = setup(() => 'hang');
    const refused: unknown[] = [];
    for (let call = 0; call < 1100; call += 1) {
      void codeOf(client(OrdersService).getOrder({})).then((reason) => refused.push(reason));
    }
    await vi.waitFor(() => expect(refused.length).toBeGreaterThan(0));
    expect(timeouts).toHaveLength(512);
    expect(new Set(refused)).toEqual(new Set(['TOO_MANY_CALLS']));
    expect(refused).toHaveLength(1100 - 1024);
  });
});

describe('clients', () => {
  it("find their service by the contract's package", () => {
    expect(serviceNameOf(OrdersService)).toBe('orders');
    const asked: string[] = [];
    const { transport } = fakeTransport(() => 'ok');
    const transportFor = (name: string) => {
      asked.push(name);
      return transport;
    };
    const { clock, random } = systemRuntime();
    const client = createClients({ transportFor, retries: 'app', clock, random });
    expect(client(OrdersService)).toBe(client(OrdersService));
    client(IdentityService);
    expect(asked).toEqual(['orders', 'identity']);
  });

  it('within the process have no policies around them', async () => {
    const { transport, timeouts } = fakeTransport(() => Code.Unavailable);
    const { unary, stream } = transport;
    const { clock, random } = systemRuntime();
    const client = createClients({ transportFor: () => ({ unary, stream }), retries: 'app', clock, random });
    expect(await codeOf(client(OrdersService).getOrder({}))).toBe(Code.Unavailable);
    expect(timeouts).toHaveLength(1);
    expect(await codeOf(createClient(OrdersService, transport).getOrder({}))).toBe(Code.Unavailable);
  });
});
