// A provider in a few lines, independent of the sandbox: remembers answers by key and what became of the money.
import type { Operation, Outcome } from '../../src/domain/payment.ts';

export interface ModelProvider {
  readonly captures: number;
  readonly refunds: number;
  /** Authorized and not voided, or captured and not refunded. */
  holdsMoney(): boolean;
  wasAuthorized(): boolean;
  execute(operation: Operation): Outcome;
}

type State = 'unseen' | 'authorized' | 'declined' | 'captured' | 'voided' | 'refunded';

export interface ModelOptions {
  readonly approves: boolean;
  readonly captures: boolean;
  readonly voidsByReference: boolean;
}

export function modelProvider(options: ModelOptions): ModelProvider {
  const answers = new Map<Operation, Outcome>();
  const done: Outcome = { kind: 'approved', reference: 'ref' };
  const refused = (code: string): Outcome => ({ kind: 'declined', code });
  let state: State = 'unseen';
  let captures = 0;
  let refunds = 0;
  let authorized = false;

  function perform(operation: Operation): Outcome {
    switch (operation) {
      case 'authorize':
        if (state !== 'unseen') return refused('VOIDED');
        state = options.approves ? 'authorized' : 'declined';
        authorized = options.approves;
        return options.approves ? done : refused('CARD_DECLINED');
      case 'capture':
        if (state !== 'authorized' || !options.captures) return refused('CAPTURE_REFUSED');
        state = 'captured';
        captures += 1;
        return done;
      case 'void':
        if (state === 'captured' || state === 'refunded') return refused('ALREADY_CAPTURED');
        if (state === 'unseen' && !options.voidsByReference) return { kind: 'unknown', code: 'NOT_FOUND' };
        if (state !== 'declined') state = 'voided';
        return done;
      case 'refund':
        if (state !== 'captured') return refused('NOT_CAPTURED');
        state = 'refunded';
        refunds += 1;
        return done;
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
    holdsMoney: () => state === 'authorized' || state === 'captured',
    wasAuthorized: () => authorized,
    execute(operation) {
      const outcome = answers.get(operation) ?? perform(operation);
      if (outcome.kind === 'approved' || outcome.kind === 'declined') answers.set(operation, outcome);
      return outcome;
    },
  };
}
