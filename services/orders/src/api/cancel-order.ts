// CancelOrder: turns the saga round before its pivot. The answer tells the order as it is then; undoing may take longer.
import type { HandlerContext } from '@connectrpc/connect';
import { causeOf } from '@stoa/chassis/rpc/caller';
import { failedPrecondition } from '@stoa/chassis/rpc/errors';
import type { CancelOrderRequest } from '@stoa/proto/stoa/orders/v1/orders_pb';
import type { OrdersContext } from '../context.ts';
import { writeOrder } from '../infrastructure/order-message.ts';
import { loadOrders, sagaState } from '../infrastructure/orders.ts';
import { recordMoves } from '../saga/advance.ts';
import { CUSTOMER_REQUEST, checkout } from '../saga/checkout.ts';
import { checkAccess, orderNotFound } from './access.ts';
import { readOrderId } from './read-requests.ts';

export function cancelOrder(context: OrdersContext) {
  const { db, config } = context;
  const load = async (orderId: string) => (await loadOrders(db, [orderId])).get(orderId);
  return async (request: CancelOrderRequest, call: HandlerContext) => {
    const stored = await load(readOrderId(request));
    const order = checkAccess(stored, request.accessToken, config.accessTokenSecret, call);
    const isTurned = await db.transact(
      async (tx) => {
        const move = await context.saga(checkout).cancel(tx, order.id, CUSTOMER_REQUEST);
        if (move === undefined) return false;
        await recordMoves(tx, [move], context);
        return true;
      },
      { cause: causeOf(call) },
    );
    if (!isTurned && !(await isBeingUndone(context, order.id))) {
      throw failedPrecondition('TOO_LATE_TO_CANCEL', 'the order can no longer be cancelled');
    }
    const latest = await load(order.id);
    if (latest === undefined) throw orderNotFound();
    return { order: writeOrder(latest) };
  };
}

/** A repeated request finds the saga already turned round. */
async function isBeingUndone({ db }: OrdersContext, orderId: string): Promise<boolean> {
  const state = await sagaState(db, orderId);
  return state?.startsWith('UNDOING_') === true || state === 'COMPENSATED';
}
