// What no sequence of commands, calls, losses, repetitions and late answers may bring about. Calls are sent, executed
// at the provider and answered in any order, any number of times: as after crashes, timeouts and lease expiries.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advance, decide } from '../../src/domain/decide.ts';
import type { Command, Input, Operation, Outcome, Payment, PaymentEvent } from '../../src/domain/payment.ts';
import { authorize, cancel, capture, ORDER } from './fixtures.ts';
import { type ModelOptions, type ModelProvider, modelProvider } from './provider-model.ts';

type Move =
  | { readonly kind: 'command'; readonly command: Command }
  /** The customer confirms, or fails to. */
  | { readonly kind: 'act'; readonly succeeds: boolean }
  /** A call as it should be: sent, executed and answered. */
  | { readonly kind: 'call' }
  /** A call that ends without an answer, whether it reached the provider or not. */
  | { readonly kind: 'timeout'; readonly reached: boolean; readonly outcome: Outcome }
  /** A lease: the operation under way goes out, once more if it must. */
  | { readonly kind: 'send' }
  /** A call that went out reaches the provider, maybe long after; its answer may be lost. */
  | { readonly kind: 'execute'; readonly index: number; readonly lost: boolean }
  /** A call ends without an answer. */
  | { readonly kind: 'fail'; readonly index: number; readonly outcome: Outcome }
  /** An answer is written, maybe for the second time. */
  | { readonly kind: 'deliver'; readonly index: number };

/** Counted from the latest back: what happened just now is what races with what happens next. */
const index = fc.nat({ max: 4 });
const command = fc.record({
  kind: fc.constant('command' as const),
  command: fc.constantFrom(authorize, capture, cancel),
});
const call = fc.constant({ kind: 'call' as const });
const act = fc.record({ kind: fc.constant('act' as const), succeeds: fc.boolean() });
const outcome = fc.constantFrom<Outcome>(
  { kind: 'unknown', code: 'DEADLINE_EXCEEDED' },
  { kind: 'error', code: 'BUSY' },
);
const timeout = fc.record({ kind: fc.constant('timeout' as const), reached: fc.boolean(), outcome });
const wild = fc.oneof(
  fc.record({ kind: fc.constant('send' as const) }),
  fc.record({ kind: fc.constant('execute' as const), index, lost: fc.boolean() }),
  fc.record({ kind: fc.constant('fail' as const), index, outcome }),
  fc.record({ kind: fc.constant('deliver' as const), index }),
);
// Enough of the ordinary that sequences reach the late states, enough of the wild that they arrive there battered.
const moves: fc.Arbitrary<Move> = fc.oneof(
  { arbitrary: command, weight: 3 },
  { arbitrary: call, weight: 2 },
  { arbitrary: act, weight: 1 },
  { arbitrary: timeout, weight: 2 },
  { arbitrary: wild, weight: 6 },
);
const mostly = fc.nat({ max: 4 }).map((n) => n > 0);
const seldom = mostly.map((is) => !is);
const options = fc.record({
  approves: mostly,
  captures: mostly,
  partial: seldom,
  asksCustomer: seldom,
  voidsByReference: fc.boolean(),
});

function isDefinite({ kind }: Outcome): boolean {
  return kind === 'approved' || kind === 'declined' || kind === 'action_required';
}

class World {
  payment: Payment | undefined;
  cancelled = false;
  readonly provider: ModelProvider;
  readonly sent: Operation[] = [];
  readonly answers: { operation: Operation; outcome: Outcome }[] = [];
  readonly options: ModelOptions;

  constructor(chosen: ModelOptions) {
    this.options = chosen;
    this.provider = modelProvider(chosen);
  }

  step(move: Move): void {
    switch (move.kind) {
      case 'command':
        this.feed(move.command);
        return;
      case 'act':
        this.provider.act(move.succeeds);
        return;
      case 'call':
        for (const kind of ['send', 'execute', 'deliver'] as const) this.step({ kind, index: 0, lost: false });
        return;
      case 'timeout':
        this.step({ kind: 'send' });
        if (move.reached) this.step({ kind: 'execute', index: 0, lost: true });
        this.step({ kind: 'fail', index: 0, outcome: move.outcome });
        this.step({ kind: 'deliver', index: 0 });
        return;
      case 'send':
        if (this.payment?.operation !== undefined) this.sent.push(this.payment.operation);
        return;
      case 'execute': {
        const operation = this.sent.at(-1 - move.index);
        if (operation === undefined) return;
        const outcome = this.provider.execute(operation);
        if (!move.lost) this.answers.push({ operation, outcome });
        return;
      }
      case 'fail': {
        const operation = this.sent.at(-1 - move.index);
        if (operation !== undefined) this.answers.push({ operation, outcome: move.outcome });
        return;
      }
      case 'deliver': {
        const answer = this.answers.at(-1 - move.index);
        if (answer !== undefined) this.feed({ kind: 'provider_answered', ...answer });
        return;
      }
      default:
        move satisfies never;
    }
  }

  feed(input: Input): void {
    const before = this.payment;
    const events = decide(ORDER, before, input, this.options);
    for (const event of events) this.follow(event);
    const definite = input.kind === 'provider_answered' && isDefinite(input.outcome);
    if (before?.state === 'UNKNOWN' && this.payment?.state !== 'UNKNOWN') {
      expect(definite && input.operation === before.operation, 'UNKNOWN was left without a definite answer').toBe(true);
    }
  }

  follow(event: PaymentEvent): void {
    const version = this.payment?.version ?? 0n;
    this.payment = advance(this.payment, [event]);
    expect(this.payment?.version).toBe(event.kind === 'answered' ? version + 1n : version);
    if (event.kind !== 'answered') return;
    if (event.answer === 'Authorized') expect(this.provider.wasAuthorized()).toBe(true);
    if (event.answer === 'Captured') expect([this.provider.captures, this.payment?.capturedMinor]).toEqual([1, 4200n]);
    // Where orders has cancelled, Cancelled says when nothing is kept any more.
    if (event.answer === 'CaptureFailed' && this.payment?.goal !== 'cancel')
      expect(this.provider.kept, 'a failed capture that kept money').toBe(0n);
    if (event.answer === 'Cancelled') this.cancelled = true;
  }

  check(): void {
    expect(this.provider.captures).toBeLessThanOrEqual(1);
    expect(this.provider.refunds).toBeLessThanOrEqual(this.provider.captures);
    const { payment } = this;
    if (payment !== undefined) {
      expect(payment.capturedMinor <= payment.amountMinor && payment.refundedMinor <= payment.capturedMinor).toBe(true);
      expect(payment.action !== undefined).toBe(payment.state === 'ACTION_REQUIRED');
      if (payment.state === 'ACTION_REQUIRED' && payment.operation === 'authorize') {
        expect(this.provider.wasAsked(), 'waits for a customer who was never asked').toBe(true);
      }
    }
    // For ever: also when calls that went out earlier reach the provider only now.
    if (this.cancelled) expect(this.provider.holdsMoney(), 'cancelled with money held').toBe(false);
  }

  /** The provider answers everything from now on, and its customer acts. */
  heal(): void {
    for (let turn = 0; turn < 10 && this.payment?.operation !== undefined; turn++) {
      const { operation } = this.payment;
      const outcome = this.provider.execute(operation);
      this.provider.act(true);
      this.feed({ kind: 'provider_answered', operation, outcome });
      this.check();
    }
  }
}

test('nothing is captured twice, refunded beyond the capture, or held after a cancellation', () => {
  fc.assert(
    fc.property(options, fc.array(moves, { maxLength: 40 }), (chosen, list) => {
      const world = new World(chosen);
      for (const move of list) {
        world.step(move);
        world.check();
      }
    }),
    { numRuns: 3000 },
  );
});

test('once the provider answers, every payment comes to rest, and every cancelled one without money', () => {
  fc.assert(
    fc.property(options, fc.array(moves, { maxLength: 30 }), fc.boolean(), (chosen, list, cancelAtLast) => {
      const world = new World(chosen);
      for (const move of list) world.step(move);
      if (cancelAtLast) world.step({ kind: 'command', command: cancel });
      world.heal();
      expect(world.payment?.operation).toBeUndefined();
      if (cancelAtLast) expect(world).toMatchObject({ cancelled: true });
      if (world.payment?.goal === 'cancel') expect(world.provider.holdsMoney()).toBe(false);
      expect(world.payment?.state).not.toBe('UNKNOWN');
    }),
    { numRuns: 2000 },
  );
});

test('a repeated command in any resting state is answered in the same way, and asks nothing of the provider', () => {
  fc.assert(
    fc.property(options, fc.array(moves, { maxLength: 30 }), command, (chosen, list, last) => {
      const world = new World(chosen);
      for (const move of [...list, last]) world.step(move);
      world.heal();
      const again = () => decide(ORDER, world.payment, last.command, chosen);
      const first = again();
      expect(first).toHaveLength(1);
      expect(first[0]?.kind).toBe('answered');
      world.feed(last.command);
      expect(again()).toEqual(first);
    }),
    { numRuns: 1000 },
  );
});
