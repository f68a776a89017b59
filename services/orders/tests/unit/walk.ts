// The checkout saga walked by hand: triggers in short, and what it did on its way.
import { create, type DescMessage } from '@bufbuild/protobuf';
import type { Received } from '@stoa/chassis/events/envelope';
import { begin, type Decision, decide, type SagaState, type Trigger } from '@stoa/chassis/saga/decide';
import { OPERATOR_DECISION } from '@stoa/chassis/saga/operator-requests';
import type { Transition } from '@stoa/chassis/saga/runner';
import {
  StockCommitRefusedSchema,
  StockCommittedSchema,
  StockReleasedSchema,
  StockReservationRefusedSchema,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import {
  PaymentActionRequiredSchema,
  PaymentAuthorizedSchema,
  PaymentCancelledSchema,
  PaymentCapturedSchema,
  PaymentCaptureFailedSchema,
  PaymentDeclinedSchema,
} from '@stoa/proto/stoa/payments/v1/events_pb';
import { ShipmentCreatedSchema, ShipmentRefusedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import { BEYOND_PIVOT } from '../../src/saga/advance.ts';
import { type CheckoutData, CUSTOMER_REQUEST, checkout } from '../../src/saga/checkout.ts';
import { data } from './examples.ts';

/** Every reply that exists. */
export const REPLIES = {
  StockReserved: create(StockReservedSchema),
  StockReservationRefused: create(StockReservationRefusedSchema, { reason: 'INSUFFICIENT_STOCK' }),
  StockCommitted: create(StockCommittedSchema),
  StockCommitRefused: create(StockCommitRefusedSchema, { reason: 'HOLD_EXPIRED' }),
  StockReleased: create(StockReleasedSchema),
  PaymentActionRequired: create(PaymentActionRequiredSchema),
  PaymentAuthorized: create(PaymentAuthorizedSchema),
  PaymentDeclined: create(PaymentDeclinedSchema, { reason: 'CARD_DECLINED' }),
  PaymentCaptured: create(PaymentCapturedSchema),
  PaymentCaptureFailed: create(PaymentCaptureFailedSchema, { reason: 'CAPTURE_REFUSED' }),
  PaymentCancelled: create(PaymentCancelledSchema),
  ShipmentCreated: create(ShipmentCreatedSchema, { shipment: { trackingNumber: '00340001' } }),
  ShipmentRefused: create(ShipmentRefusedSchema, { reason: 'UNKNOWN_METHOD' }),
} as const;

export type Reply = keyof typeof REPLIES;
const OTHERS = ['timer', 'cancel', 'repeat', 'turn back', 'turn back by force'] as const;
export type Happening = Reply | (typeof OTHERS)[number];

export const HAPPENINGS: readonly Happening[] = [...(Object.keys(REPLIES) as Reply[]), ...OTHERS];

/** What each command may be answered with: success first. */
export const ANSWERS: Readonly<Record<string, readonly Reply[]>> = {
  ReserveStock: ['StockReserved', 'StockReservationRefused'],
  AuthorizePayment: ['PaymentAuthorized', 'PaymentDeclined'],
  CommitStock: ['StockCommitted', 'StockCommitRefused'],
  CapturePayment: ['PaymentCaptured', 'PaymentCaptureFailed'],
  CreateShipment: ['ShipmentCreated', 'ShipmentRefused'],
  CancelPayment: ['PaymentCancelled'],
  ReleaseStock: ['StockReleased'],
};

function triggerOf(happening: Happening): Trigger {
  switch (happening) {
    case 'timer':
    case 'repeat':
      return { kind: happening };
    case 'cancel':
      return { kind: 'cancel', reason: CUSTOMER_REQUEST };
    case 'turn back':
      return { kind: 'turn back', reason: OPERATOR_DECISION, beyondPivot: [] };
    case 'turn back by force':
      return { kind: 'turn back', reason: OPERATOR_DECISION, beyondPivot: BEYOND_PIVOT };
    default: {
      const message = REPLIES[happening];
      return { kind: 'reply', type: message.$typeName, message };
    }
  }
}

export const shortName = (schema: DescMessage) => schema.typeName.slice(schema.typeName.lastIndexOf('.') + 1);

export function decideIn(state: string, happening: Happening, inStateSeconds = 0, isExtended = false): Decision {
  const saga = { state, version: 1, data, reason: 'EARLIER_REASON', attempts: 1, isExtended, inStateSeconds };
  return decide(checkout, saga, triggerOf(happening));
}

export interface Walk {
  readonly saga: SagaState<CheckoutData>;
  /** Names of the commands sent so far. */
  readonly sent: readonly string[];
  /** Moves from one state to another, and the one that extends a deadline. */
  readonly moves: readonly Transition<CheckoutData>[];
}

function take(walk: Walk, decision: Decision, happening: Happening | 'start'): Walk {
  if (decision.kind === 'ignored') return walk;
  const { state, reason, attempts, isExtended, command } = decision;
  const isReply = happening in REPLIES;
  const move: Transition<CheckoutData> = {
    sagaId: data.orderId,
    data,
    from: walk.saga.state,
    to: state,
    reason,
    reply: isReply ? ({ message: REPLIES[happening as Reply] } as unknown as Received<DescMessage>) : undefined,
    cause: { traceparent: '' },
  };
  return {
    saga: { ...walk.saga, state, reason, attempts, isExtended, version: walk.saga.version + 1 },
    sent: command === undefined ? walk.sent : [...walk.sent, shortName(command.schema)],
    moves: state === walk.saga.state && isExtended === walk.saga.isExtended ? walk.moves : [...walk.moves, move],
  };
}

export function startWalk(): Walk {
  const saga = { state: '', version: 0, data, reason: '', attempts: 0, isExtended: false, inStateSeconds: 0 };
  const started = take({ saga, sent: [], moves: [] }, begin(checkout, data), 'start');
  return { ...started, moves: [] };
}

export function step(walk: Walk, happening: Happening): Walk {
  return take(walk, decide(checkout, walk.saga, triggerOf(happening)), happening);
}
