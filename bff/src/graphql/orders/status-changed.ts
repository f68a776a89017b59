// The live view of an order.
import { builder } from '../builder.ts';
import { followOrder } from './follow.ts';
import { OrderRef, type OrderView, toView } from './order.ts';

builder.subscriptionField('orderStatusChanged', (t) =>
  t.field({
    type: OrderRef,
    description:
      'The order as it is now, then each change, in order; completes when nothing can change any more. ' +
      'The process may end the stream at any time: subscribe again.',
    args: {
      orderId: t.arg.id({ required: true }),
      accessToken: t.arg.string({ description: 'Guests only: from placeOrder.' }),
    },
    subscribe: (_, args, { clients, client, clock, orderFeed, signal, callWhileOpen }) => {
      const accessToken = args.accessToken ?? '';
      const orderId = args.orderId;
      const read = async (readSignal: AbortSignal) => {
        const answer = await clients.orders.getOrder({ orderId, accessToken }, callWhileOpen(readSignal));
        return toView(answer.order, accessToken).order;
      };
      return followOrder(orderId, { feed: orderFeed, client, clock, signal, read });
    },
    resolve: (order, { accessToken }, { renew }): OrderView => {
      // What hangs on the order (history, payment) is of this event, and has its time.
      renew();
      return { order, accessToken: accessToken ?? '' };
    },
  }),
);
