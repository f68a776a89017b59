// Operators find, understand and settle orders that stand still.
import { sql } from '@stoa/chassis/postgres/sql';
import { received } from '@stoa/chassis/testing/test-service';
import { CreateShipmentSchema } from '@stoa/proto/stoa/shipping/v1/commands_pb';
import { ShipmentRefusedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listActions } from '../../src/operate/actions.ts';
import { orderIdOf } from '../../src/operate/sagas/order-reference.ts';
import { awaitAnswer } from '../../src/operate/sagas/requests.ts';
import { listSagas } from '../../src/operate/sagas/saga-list.ts';
import { settle } from '../../src/operate/sagas/settle.ts';
import { storyText } from '../../src/operate/sagas/story-text.ts';
import { tellStory } from '../../src/operate/sagas/tell-story.ts';
import { openShop, type Shop } from './operate-shop.ts';

const maria = { by: 'maria', why: 'payments is down, the customer called' };

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.stop());

type Action = 'retry' | 'compensate';

/** Asks, and lets orders answer. */
async function ask(sagaId: string, action: Action, forced = false) {
  return shop.whileOrdersRuns(async () => {
    const { request } = await settle(shop.data, { sagaId, action, forced }, maria);
    return awaitAnswer(shop.data, request, 10);
  });
}

describe('an order whose customer must act at the bank', () => {
  it('waits and is not called stuck, until its time is over', async () => {
    const orderId = await shop.orderIn('AUTHORIZING');
    await shop.reply(orderId, 'PaymentActionRequired');
    await shop.db.run(sql`update saga set entered_at = now() - interval '11 minutes' where saga_id = ${orderId}`);
    const waiting = await listSagas(shop.data, { olderSeconds: 60, limit: 10 });
    expect(waiting.groups).toMatchObject([{ count: 1, waiting: 1, overMinute: 0, overTenMinutes: 0 }]);
    expect(waiting.sagas).toEqual([]);
    expect(storyText(await tellStory(shop.data, orderId))).toContain('AUTHORIZING (waits for longer)');
    expect((await listSagas(shop.data, { olderSeconds: 0, limit: 10 })).sagas).toMatchObject([{ sagaId: orderId }]);

    await shop.db.run(sql`update saga set wake_at = now() where saga_id = ${orderId}`);
    const late = await listSagas(shop.data, { olderSeconds: 60, limit: 10 });
    expect(late.groups).toMatchObject([{ waiting: 0, overMinute: 1, overTenMinutes: 1 }]);
    expect(late.sagas).toMatchObject([{ sagaId: orderId }]);
    await shop.reply(orderId, 'PaymentDeclined', 'StockReleased');
  });
});

describe('an order that is stuck because payments is down', () => {
  it('is found, explained and settled', async () => {
    const orderId = await shop.orderIn('AUTHORIZING');
    await shop.number();
    await shop.db.run(sql`update saga set entered_at = now() - interval '5 minutes' where saga_id = ${orderId}`);

    const found = await listSagas(shop.data, { olderSeconds: 60, limit: 10 });
    expect(found.groups).toMatchObject([{ state: 'AUTHORIZING', count: 1, overMinute: 1, overTenMinutes: 0 }]);
    expect(found.sagas).toMatchObject([{ sagaId: orderId, state: 'AUTHORIZING', attempts: 1 }]);

    const number = found.sagas[0]?.number ?? '';
    expect(await orderIdOf(shop.data, number.toLowerCase())).toBe(orderId);
    const story = await tellStory(shop.data, orderId);
    expect(story.why.join('\n')).toMatch(
      /payments\.orders has not taken AuthorizePayment yet: it stands at 0.*is payments down\?/,
    );
    expect(story.transitions.map(({ from, to }) => [from, to])).toEqual([
      ['', 'RESERVING'],
      ['RESERVING', 'AUTHORIZING'],
    ]);
    expect(storyText(story)).toMatch(/orders\.payments-commands \d+ {2}AuthorizePayment {2}not yet payments\.orders/);

    expect(await ask(orderId, 'compensate')).toEqual({
      accepted: true,
      outcome: 'turned back: AUTHORIZING -> UNDOING_AUTHORIZING',
    });
    await shop.reply(orderId, 'PaymentCancelled', 'StockReleased');
    expect(await shop.statusOf(orderId)).toBe('REJECTED');
    const settled = await tellStory(shop.data, orderId);
    expect(settled.saga).toMatchObject({ state: 'COMPENSATED', reason: 'OPERATOR_DECISION' });
    expect(settled.transitions.map(({ trigger }) => trigger)).toContain(`compensate by maria: ${maria.why}`);
    expect(await listActions(shop.data, 10, orderId)).toMatchObject([
      { action: 'saga.compensate', by: 'maria', why: maria.why, service: 'orders' },
    ]);
  });
});

describe('an operator’s request', () => {
  it('to retry sends the current command once more, and the saga stays where it is', async () => {
    const orderId = await shop.orderIn('AUTHORIZING');
    expect(await ask(orderId, 'retry')).toEqual({
      accepted: true,
      outcome: 'the command of AUTHORIZING was sent again',
    });
    const sent = (await shop.orders.outbox()).filter(
      ({ aggregateId, type }) => aggregateId === orderId && type.endsWith('AuthorizePayment'),
    );
    expect(sent).toHaveLength(2);
    expect(await shop.stateOf(orderId)).toBe('AUTHORIZING');
  });

  it('waits while orders is down and is carried out when it runs', async () => {
    const orderId = await shop.orderIn('AUTHORIZING');
    const { request } = await settle(shop.data, { sagaId: orderId, action: 'compensate', forced: false }, maria);
    expect(await awaitAnswer(shop.data, request, 0)).toBeUndefined();
    expect(await shop.stateOf(orderId)).toBe('AUTHORIZING');
    const answer = await shop.whileOrdersRuns(() => awaitAnswer(shop.data, request, 10));
    expect(answer?.accepted).toBe(true);
    expect(await shop.stateOf(orderId)).toBe('UNDOING_AUTHORIZING');
  });

  it('that its saga no longer allows is refused and recorded, and changes nothing', async () => {
    const orderId = await shop.orderIn('AUTHORIZING');
    await ask(orderId, 'compensate');
    expect(await ask(orderId, 'compensate')).toEqual({
      accepted: false,
      outcome: 'it is already turning back: UNDOING_AUTHORIZING',
    });
    await shop.reply(orderId, 'PaymentCancelled', 'StockReleased');
    expect(await ask(orderId, 'retry')).toEqual({ accepted: false, outcome: 'it has already ended COMPENSATED' });
    expect(await listActions(shop.data, 10, orderId)).toHaveLength(3);
  });
});

describe('turning back from the pivot on', () => {
  it('is refused without force and settles an unknown capture with it', async () => {
    const orderId = await shop.orderIn('CAPTURING');
    expect(await ask(orderId, 'compensate')).toMatchObject({ accepted: false });
    expect(await shop.stateOf(orderId)).toBe('CAPTURING');
    expect(await ask(orderId, 'compensate', true)).toMatchObject({ accepted: true });
    // The capture's answer comes after all: CancelPayment is on its way and gives the money back.
    await shop.reply(orderId, 'PaymentCaptured', 'PaymentCancelled', 'StockReleased');
    expect(await shop.statusOf(orderId)).toBe('REJECTED');
  });

  const create = (orderId: string) =>
    shop.shipping.deliver('shipping.orders', [received(CreateShipmentSchema, { orderId, methodId: 'standard' })]);

  it('makes shipping refuse first where a shipment may be made, so that no parcel follows the refund', async () => {
    const orderId = await shop.orderIn('ARRANGING_SHIPMENT');
    await expect(ask(orderId, 'compensate')).rejects.toThrow(/the payment is captured.*--force/);
    expect(await ask(orderId, 'compensate', true)).toMatchObject({ accepted: true });
    // The command that was on its way all the time arrives only now.
    await create(orderId);
    const [refused] = (await shop.shipping.published(ShipmentRefusedSchema)).filter((m) => m.orderId === orderId);
    expect(refused).toMatchObject({ orderId, version: 1n, reason: 'CALLED_OFF' });
    await shop.orders.deliver('orders.shipping', [
      received(ShipmentRefusedSchema, { orderId, version: 1n, reason: 'CALLED_OFF' }),
    ]);
    await shop.reply(orderId, 'PaymentCancelled', 'StockReleased');
    expect(await shop.statusOf(orderId)).toBe('CANCELLED');
    const actions = await listActions(shop.data, 10, orderId);
    expect(actions.map(({ action, service }) => `${service} ${action}`).sort()).toEqual([
      'orders saga.compensate',
      'shipping shipping.refuse',
    ]);
  });

  it('is refused when the parcel exists', async () => {
    const orderId = await shop.orderIn('ARRANGING_SHIPMENT');
    await create(orderId);
    await expect(ask(orderId, 'compensate', true)).rejects.toThrow(/the shipment exists/);
    expect(await shop.stateOf(orderId)).toBe('ARRANGING_SHIPMENT');
    expect(await listActions(shop.data, 10, orderId)).toEqual([]);
  });
});
