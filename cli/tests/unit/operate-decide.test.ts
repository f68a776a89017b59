// What an operator may ask of a saga, for a saga like the checkout: three steps, the second is the pivot.
import { decide, type SagaState } from '@stoa/chassis/saga/decide';
import { COMPENSATED, defineSaga, refusal, send, undoing } from '@stoa/chassis/saga/define';
import { CommitStockSchema, ReleaseStockSchema, ReserveStockSchema } from '@stoa/proto/stoa/inventory/v1/commands_pb';
import {
  StockCommitRefusedSchema,
  StockCommittedSchema,
  StockReleasedSchema,
  StockReservationRefusedSchema,
  StockReservedSchema,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { CreateShipmentSchema } from '@stoa/proto/stoa/shipping/v1/commands_pb';
import { ShipmentCreatedSchema, ShipmentRefusedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import { describe, expect, it } from 'vitest';

type Data = { readonly orderId: string };

const definition = defineSaga<Data>({
  name: 'walk',
  version: 1,
  timeoutReason: (state) => `${state}_TIMED_OUT`,
  steps: [
    {
      state: 'HOLDING',
      command: ({ orderId }) => send(ReserveStockSchema, { orderId }),
      success: StockReservedSchema,
      refusals: [refusal(StockReservationRefusedSchema, ({ reason }) => reason)],
      undo: { command: ({ orderId }) => send(ReleaseStockSchema, { orderId }), done: StockReleasedSchema },
      timeoutSeconds: 60,
      onTimeout: 'compensate',
    },
    {
      state: 'PIVOT',
      command: ({ orderId }) => send(CommitStockSchema, { orderId }),
      success: StockCommittedSchema,
      refusals: [refusal(StockCommitRefusedSchema, ({ reason }) => reason)],
      timeoutSeconds: 60,
      onTimeout: 'repeat',
      pivot: true,
    },
    {
      state: 'AFTER',
      command: ({ orderId }) => send(CreateShipmentSchema, { orderId }),
      success: ShipmentCreatedSchema,
      refusals: [refusal(ShipmentRefusedSchema, ({ reason }) => reason)],
      timeoutSeconds: 60,
      onTimeout: 'repeat',
    },
  ],
});

const inState = (state: string, reason = ''): SagaState<Data> => ({
  state,
  version: 3,
  data: { orderId: 'o' },
  reason,
  attempts: 2,
  isExtended: false,
  inStateSeconds: 10,
});

const turnBack = (state: string, beyondPivot: readonly string[] = []) =>
  decide(definition, inState(state), { kind: 'turn back', reason: 'ASKED', beyondPivot });

describe('an operator turns a saga back', () => {
  it('before its pivot, undoing the step under way, whose outcome is unknown', () => {
    expect(turnBack('HOLDING')).toMatchObject({
      kind: 'moved',
      state: undoing('HOLDING'),
      reason: 'ASKED',
      attempts: 1,
    });
  });

  it('from its pivot on only in a state that the service names', () => {
    expect(turnBack('PIVOT')).toEqual({ kind: 'ignored' });
    expect(turnBack('PIVOT', ['PIVOT'])).toMatchObject({ state: undoing('HOLDING'), reason: 'ASKED' });
    expect(turnBack('AFTER', ['PIVOT'])).toEqual({ kind: 'ignored' });
  });

  it('never twice, and never after its end', () => {
    expect(turnBack(undoing('HOLDING'), ['PIVOT'])).toEqual({ kind: 'ignored' });
    expect(turnBack(COMPENSATED, ['PIVOT'])).toEqual({ kind: 'ignored' });
  });
});

describe('an operator repeats a command', () => {
  it.each(['HOLDING', 'PIVOT', 'AFTER', undoing('HOLDING')])('in %s, and the saga stays there', (state) => {
    const decision = decide(definition, inState(state, 'WHY'), { kind: 'repeat' });
    expect(decision).toMatchObject({ kind: 'moved', state, attempts: 3, reason: 'WHY' });
  });

  it('not after its end', () => {
    expect(decide(definition, inState(COMPENSATED), { kind: 'repeat' })).toEqual({ kind: 'ignored' });
  });
});
