// Retrying and giving up an order's checkout, at whatever step it is.
//
// Before the pivot the saga turns back by itself: every undo settles a step whose outcome is unknown. While CAPTURING
// it does so too, by force: CancelPayment settles the capture first and gives back what was taken. While a shipment is
// being arranged it cannot: the command may still create a parcel after the money has gone back. So shipping's answer is
// made certain first: a refusal is stored where the shipment would be, under the same unique key. Either a shipment is
// there by then, and the order cannot be given up here, or every CreateShipment is refused from then on, and the refusal
// turns the saga back on its usual path: refund, restock, cancelled.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { recordAction, type Warrant } from '../actions.ts';
import type { ShopData } from '../shop-data.ts';
import { findShipment } from './participants.ts';
import { type Ask, askSaga } from './requests.ts';

/** The reason that shipping refuses with, and that the order carries. */
export const CALLED_OFF = 'CALLED_OFF';
const ARRANGING = 'ARRANGING_SHIPMENT';

/** Something else that is written together with the request. */
export type Alongside = (tx: Tx) => Promise<void>;

export interface Settling {
  /** The request that orders carries out. */
  readonly request: string;
  /** Shipping refuses this order from now on: its refusal makes the saga give the money back. */
  readonly refusesShipment: boolean;
}

/** Writes down what the service is to do. Throws when it cannot be allowed. */
export async function settle(data: ShopData, ask: Ask, warrant: Warrant, alongside?: Alongside): Promise<Settling> {
  const db = data.at('orders');
  const saga = await db.maybe(sql<{ state: string; method: string }>`
    select state, data->>'shippingMethodId' as method from saga where saga_id = ${ask.sagaId}`);
  if (saga === undefined) throw new Error(`there is no saga ${ask.sagaId}`);
  const callsOff = ask.action === 'compensate' && saga.state === ARRANGING;
  if (callsOff) await refuseShipment(data, ask, saga.method, warrant);
  const effective: Ask = callsOff ? { ...ask, action: 'retry' } : ask;
  const request = await db.transact(async (tx) => {
    await alongside?.(tx);
    return askSaga(tx, data, effective, warrant, ask.action);
  });
  return { request, refusesShipment: callsOff };
}

async function refuseShipment(data: ShopData, { sagaId, forced }: Ask, method: string, warrant: Warrant) {
  if (!forced) {
    throw new Error(
      'the payment is captured: giving the order up means a refund. Ask with --force; shipping is told to refuse first',
    );
  }
  // Version 0: nothing was told of it yet; shipping's first answer makes it 1.
  await data.at('shipping').transact(async (tx) => {
    const refused = await tx.run(sql`
      insert into shipment (order_id, state, method_id, reason, version)
      values (${sagaId}, 'REFUSED', ${method}, ${CALLED_OFF}, 0) on conflict (order_id) do nothing`);
    if (refused === 0) return;
    await recordAction(tx, data, { ...warrant, action: 'shipping.refuse', target: sagaId });
  });
  const shipment = await findShipment(data, sagaId);
  if (shipment?.state !== 'REFUSED') {
    throw new Error(
      `the shipment exists (tracking number ${shipment?.trackingNumber}): the order cannot be given up any more; ` +
        'take the parcel back as a return',
    );
  }
}
