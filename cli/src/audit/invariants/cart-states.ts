// I16c: a cart is spent by its order while that order is open or confirmed, and open again when it ended without a sale.
import { collect, type Invariant } from '../invariant.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';

interface CartRow extends Keyed {
  readonly version: bigint;
  /** Of an open cart the version since which it has held the same; of a spent one the version that was bought. */
  readonly content: bigint;
  readonly order_id: string | null;
}

interface OrderRow extends Keyed {
  readonly id: string;
  readonly version: bigint;
  readonly status: string;
}

const CARTS =
  'select id as key, version, coalesce(content_version, version) as content, order_id from cart order by id';
const ORDERS = 'select cart_id as key, id, cart_version as version, status from orders order by cart_id, cart_version';
const CONSUMER = 'cart.orders';

export const cartStates: Invariant = {
  id: 'I16c',
  title: 'carts follow their orders',
  needs: ['orders', 'cart'],
  async check(look) {
    const found = collect();
    let carts = 0;
    let spent = 0;
    const isBehind = look.isBehind(CONSUMER);
    await mergeByKey<[CartRow, OrderRow]>(
      [batches(look.at('cart'), CARTS), batches(look.at('orders'), ORDERS)],
      (id, [cart], orders) => {
        // An open cart may be deleted when nobody comes back to it.
        if (cart === undefined) return;
        carts++;
        if (cart.order_id !== null) spent++;
        const problem = problemOf(cart, orders);
        if (problem === undefined) return;
        const { text, orderId } = problem;
        found.add({ key: `cart ${id}`, text, orderId, isWaiting: isBehind });
      },
    );
    return found.outcome([carts, 'carts'], [spent, 'spent']);
  },
};

function problemOf(cart: CartRow, orders: readonly OrderRow[]): { text: string; orderId: string } | undefined {
  if (cart.order_id !== null) {
    const order = orders.find(({ id }) => id === cart.order_id);
    const orderId = cart.order_id;
    // That such an order does not exist at all is I8's to tell.
    if (order === undefined)
      return orders.length === 0 ? undefined : { text: `spent by order ${orderId} of another cart`, orderId };
    if (order.version !== cart.content || order.version > cart.version) {
      return { text: `spent at version ${cart.content}, order ${orderId} bought version ${order.version}`, orderId };
    }
    const isOver = order.status === 'REJECTED' || order.status === 'CANCELLED';
    return isOver ? { text: `still spent by order ${orderId}, which is ${order.status}`, orderId } : undefined;
  }
  // A cart whose lines were changed after it was ordered stays open, with contents of a higher version.
  const missed = orders.find(({ version }) => version >= cart.content && version <= cart.version);
  if (missed === undefined) return undefined;
  return { text: `open with what order ${missed.id} (${missed.status}) has bought`, orderId: missed.id };
}
