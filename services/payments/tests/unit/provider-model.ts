// A provider in a few lines, independent of the sandbox: remembers answers by key and what became of the money.
import type { Operation, Outcome } from '../../src/domain/payment.ts';

export interface ModelProvider {
  readonly captures: number;
  readonly refunds: number;
  /** Authorized and not voided, or captured and not refunded. */
  /** Money taken and not given back. */
  readonly kept: bigint;
  holdsMoney(): boolean;
  /** The customer does what is asked, or fails to. */
  act(succeeds: boolean): void;
  wasAuthorized(): boolean;
  /** Whether the customer was ever asked to act. */
  wasAsked(): boolean;
  execute(operation: Operation): Outcome;
}

type State = 'unseen' | 'waiting' | 'authorized' | 'declined' | 'captured' | 'voided' | 'refunded';

export interface ModelOptions {
  readonly approves: boolean;
  readonly captures: boolean;
  /** Takes half of what it is asked to capture. */
  readonly partial: boolean;
  /** The customer must confirm before it authorizes. */
  readonly asksCustomer: boolean;
  readonly voidsByReference: boolean;
}

export function modelProvider(options: ModelOptions): ModelProvider {
  const answers = new Map<Operation, Outcome>();
  const done = (amountMinor = 4200n): Outcome => ({ kind: 'approved', reference: 'ref', amountMinor });
  const refused = (code: string): Outcome => ({ kind: 'declined', code });
  let state: State = 'unseen';
  let captures = 0;
  let refunds = 0;
  let taken = 0n;
  let authorized = false;
  let asked = false;

  const waiting: Outcome = {
    kind: 'action_required',
    reference: 'ref',
    action: { redirectUrl: '', clientSecret: 'secret' },
  };

  function decideOn(approves: boolean): void {
    state = approves ? 'authorized' : 'declined';
    authorized = approves;
  }

  function perform(operation: Operation): Outcome {
    switch (operation) {
      case 'authorize':
        if (state === 'unseen' && options.asksCustomer) state = 'waiting';
        if (state === 'waiting') asked = true;
        if (state === 'waiting') return waiting;
        if (state === 'unseen') decideOn(options.approves);
        if (state === 'authorized') return done();
        return refused(state === 'declined' ? 'CARD_DECLINED' : 'VOIDED');
      case 'capture':
        if (state !== 'authorized' || !options.captures) return refused('CAPTURE_REFUSED');
        state = 'captured';
        captures += 1;
        taken = options.partial ? 2100n : 4200n;
        return done(taken);
      case 'void':
        if (state === 'captured' || state === 'refunded') {
          return { kind: 'declined', code: 'ALREADY_CAPTURED', capturedMinor: taken };
        }
        if (state === 'unseen' && !options.voidsByReference) return { kind: 'unknown', code: 'NOT_FOUND' };
        if (state !== 'declined') state = 'voided';
        return done();
      case 'refund':
        if (state !== 'captured') return refused('NOT_CAPTURED');
        state = 'refunded';
        refunds += 1;
        return done(taken);
      default:
        return operation satisfies never;
    }
  }

  return {
    get captures() {
      return captures;
    },
    get refunds() {
      return refunds;
    },
    get kept() {
      return state === 'captured' ? taken : 0n;
    },
    act(succeeds) {
      if (state === 'waiting') decideOn(succeeds && options.approves);
    },
    holdsMoney: () => state === 'authorized' || state === 'captured',
    wasAuthorized: () => authorized,
    wasAsked: () => asked,
    execute(operation) {
      const outcome = answers.get(operation) ?? perform(operation);
      if (outcome.kind === 'approved' || outcome.kind === 'declined') answers.set(operation, outcome);
      return outcome;
    },
  };
}
