// Why an order stands where it stands: the first place where its command or reply does not go on.
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/operate/sagas/explain.ts';
import type { ConsumerPlace, OrderMessage } from '../../src/operate/sagas/order-messages.ts';
import type { OrderStory } from '../../src/operate/sagas/order-story.ts';

const now = new Date('2026-01-01T12:00:00Z');
const at = new Date('2026-01-01T11:59:00Z');

const command: OrderMessage = {
  eventId: 'e1',
  service: 'orders',
  topic: 'orders.payments-commands',
  type: 'stoa.payments.v1.AuthorizePayment',
  sequence: 7n,
  at,
  causationId: null,
  traceparent: '',
};
const reply: OrderMessage = {
  ...command,
  eventId: 'e2',
  service: 'payments',
  topic: 'payments.events',
  type: 'stoa.payments.v1.PaymentAuthorized',
  sequence: 3n,
};
const place = (over: Partial<ConsumerPlace>): ConsumerPlace => ({
  consumer: 'payments.orders',
  service: 'payments',
  topic: command.topic,
  seq: 7n,
  head: 7n,
  silentSeconds: -5,
  diverged: false,
  ...over,
});
const listener = place({ consumer: 'orders.payments', service: 'orders', topic: reply.topic, seq: 2n, head: 3n });

const saga: NonNullable<OrderStory['saga']> = {
  name: 'checkout',
  definitionVersion: 1,
  state: 'AUTHORIZING',
  version: 2,
  reason: '',
  attempts: 1,
  inStateSeconds: 60,
  enteredAt: new Date(at.getTime() - 1),
  wakeAt: new Date(now.getTime() + 30_000),
  data: {},
};

function story(over: Partial<OrderStory>): OrderStory {
  return {
    order: { id: 'o', number: 'N1', status: 'PENDING', currency: 'EUR', totalMinor: 1n, placedAt: at, updatedAt: at },
    saga,
    awaited: {
      command: command.type,
      commandTopic: command.topic,
      participant: 'payments.orders',
      replies: [reply.type],
      replyTopic: reply.topic,
      replyConsumer: 'orders.payments',
      pastPivot: false,
      goesBack: false,
      onTimeout: 'compensate',
    },
    transitions: [],
    messages: [command],
    consumers: [place({}), listener],
    parked: [],
    tasks: [],
    requests: [],
    actions: [],
    reservation: undefined,
    payment: undefined,
    shipment: undefined,
    ...over,
  };
}

const because = (over: Partial<OrderStory>) => explain(story(over), now)[1];

describe('the reason given is', () => {
  it('the publisher, while the command has no number', () => {
    expect(because({ messages: [{ ...command, sequence: null }] })).toContain('does the publisher of orders run?');
  });

  it('the participant that has not taken the command, and that it is silent', () => {
    const consumers = [place({ seq: 6n, silentSeconds: 300 }), listener];
    expect(because({ consumers })).toMatch(/payments\.orders has not taken .*since 5 min: is payments down\?/);
  });

  it('the participant that has taken the command and not answered', () => {
    expect(because({})).toBe('payments.orders has taken AuthorizePayment and has not answered it.');
  });

  it('the provider, when its answer is missing', () => {
    const call = { operation: 'authorize', state: 'DUE', attempts: 4, nextAttemptAt: now, lastError: 'TIMEOUT' };
    const sums = { currency: 'EUR', amountMinor: 1n, capturedMinor: 0n, refundedMinor: 0n, reason: '', updatedAt: at };
    const payment = {
      paymentId: 'p',
      state: 'UNKNOWN',
      goal: 'authorize',
      operation: 'authorize',
      ...sums,
      calls: [call],
    };
    expect(explain(story({ payment }), now)[2]).toMatch(/UNKNOWN.*missing after 4 calls, last: TIMEOUT/);
    const waiting = { ...payment, state: 'ACTION_REQUIRED' };
    expect(explain(story({ payment: waiting }), now)[2]).toMatch(/waits for the customer.*nothing is stuck/);
  });

  it('the listener that has not applied the reply', () => {
    expect(because({ messages: [command, reply] })).toMatch(
      /PaymentAuthorized is there.*orders\.payments has not applied/,
    );
  });

  it('a consumer whose producer went back in time, whatever its number says', () => {
    const consumers = [place({ seq: 20n, diverged: true }), listener];
    expect(because({ consumers })).toMatch(/payments\.orders stands still.*restored to an earlier state/);
  });

  it('a parked message before anything else, and how to try it again', () => {
    const parked = {
      service: 'payments',
      consumer: 'payments.orders',
      topic: command.topic,
      sequence: 7n,
      aggregateId: 'o',
      type: command.type,
      error: 'broken',
      attempts: 5,
      ageSeconds: 9,
      redriving: false,
      behind: 0,
      waits: false,
    };
    const lines = explain(story({ parked: [parked] }), now);
    expect(lines[1]).toContain('parked it: broken');
    expect(lines[2]).toContain('stoa parked redrive payments.orders 7');
    expect(lines.join()).not.toContain('has not answered');
  });
});

it('an order whose saga has ended awaits nothing', () => {
  const ended = { ...saga, state: 'COMPENSATED', reason: 'CARD_DECLINED', wakeAt: null };
  expect(explain(story({ saga: ended }), now)).toEqual([
    'The saga ended COMPENSATED (CARD_DECLINED): nothing is awaited.',
  ]);
});
