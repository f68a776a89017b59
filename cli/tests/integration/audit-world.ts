// A small world in which everything agrees, written by hand as the services would have left it: one order confirmed and
// shipped, one whose card was declined, and, when asked for, one that is on its way. Tests break it.
import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { requestHash } from '@stoa/orders/api/read-requests';
import { evolve, type Order, type OrderChange, place } from '@stoa/orders/domain/order';
import { encodeOrder, writeOrder } from '@stoa/orders/infrastructure/order-message';
import { OrderPlacedSchema } from '@stoa/proto/stoa/orders/v1/events_pb';
import { PlaceOrderRequestSchema } from '@stoa/proto/stoa/orders/v1/orders_pb';
import type pg from 'pg';
import { type Clients, createStreams, insert, type Streams } from './audit-world-rows.ts';

export const CONFIRMED = '01900000-0000-7000-8000-00000000000a';
export const REJECTED = '01900000-0000-7000-8000-00000000000b';
export const MOVING = '01900000-0000-7000-8000-00000000000c';
export const SKU = 'TEE-1';
export const TOTAL = 2490n;
const PRODUCT = '01900000-0000-7000-8000-0000000000f0';
const SINCE = new Date(Date.now() - 60_000);

/** cart, payment, ... of an order: its id with another last but one digit. */
export const relative = (order: string, kind: 'cart' | 'payment' | 'shipment') =>
  `${order.slice(0, -2)}${{ cart: 'c', payment: 'd', shipment: 'e' }[kind]}${order.slice(-1)}`;

function purchase(id: string): Order {
  const eur = (minor: bigint) => ({ currency: 'EUR', minor });
  const line = { sku: SKU, quantity: 2, productId: PRODUCT, productName: 'Tee', variantName: 'S', priceVersion: 1 };
  return place(
    {
      id,
      number: id.slice(-10).toUpperCase(),
      customerId: '',
      cartId: relative(id, 'cart'),
      cartVersion: 3n,
      lines: [{ ...line, unitPrice: eur(1000n), lineTotal: eur(2000n) }],
      totals: { subtotal: eur(2000n), shipping: eur(490n), tax: eur(397n), total: eur(TOTAL) },
      shippingMethodId: 'standard',
      paymentMethodId: 'card',
    },
    SINCE,
  );
}

const eventPayload = (order: Order) =>
  toBinary(
    OrderPlacedSchema,
    create(OrderPlacedSchema, { orderId: order.id, version: order.version, order: writeOrder(order) }),
  );

/** A confirmation that carries one unit more than was bought. */
export function falsifiedEvent(id: string): Uint8Array {
  const order = evolve(purchase(id), { kind: 'confirmed' }, SINCE);
  return eventPayload({ ...order, lines: order.lines.map((line) => ({ ...line, quantity: line.quantity + 1 })) });
}

function change(order: Order, next: OrderChange): Order {
  return evolve(order, next, SINCE);
}

/** The order's row, key, contact and saga. */
async function writeOrderRows(orders: pg.Client | undefined, order: Order, token: string, path: readonly string[]) {
  const { id, number, version, status, cartId, cartVersion } = order;
  const state = { currency: 'EUR', total_minor: TOTAL, state: encodeOrder(order), placed_at: SINCE, updated_at: SINCE };
  await insert(orders, 'orders', { id, number, version, status, cart_id: cartId, cart_version: cartVersion, ...state });
  await insert(orders, 'order_contact', { order_id: id, email: 'somebody@example.test', address: Buffer.alloc(0) });
  const asked = create(PlaceOrderRequestSchema, { cartId, paymentMethodId: 'card', paymentToken: token });
  const key = { scope: 'guest', key: `key-of-${id}`, request_hash: requestHash(asked), order_id: id };
  await insert(orders, 'idempotency_key', { ...key, created_at: SINCE });
  const data = {
    orderId: id,
    lines: order.lines.map(({ sku, quantity }) => ({ sku, quantity })),
    holdSeconds: 900,
    currency: 'EUR',
    totalMinor: String(TOTAL),
    paymentMethodId: 'card',
    paymentToken: token,
    shippingMethodId: 'standard',
  };
  const last = path.at(-1) ?? '';
  const isOver = last === 'COMPLETED' || last === 'COMPENSATED';
  const saga = { saga_id: id, name: 'checkout', definition_version: 1, state: last, version: path.length };
  await insert(orders, 'saga', { ...saga, data, wake_at: isOver ? null : new Date(Date.now() + 60_000) });
  const moves = path.map((to, n) => ({
    version: n + 1,
    from_state: path[n - 1] ?? '',
    to_state: to,
    trigger_id: `t${n}`,
  }));
  await insert(orders, 'saga_transition', ...moves.map((move) => ({ saga_id: id, ...move })));
}

const command = (topic: string, type: string) => ({
  topic: `orders.${topic}-commands`,
  type: `stoa.${topic}.v1.${type}`,
});
const stockAnswer = (type: string) => ({ topic: 'inventory.reservation-events', type: `stoa.inventory.v1.${type}` });
const paymentAnswer = (type: string) => ({ topic: 'payments.events', type: `stoa.payments.v1.${type}` });
const orderEvent = (type: string, order: Order) => ({
  topic: 'orders.events',
  type: `stoa.orders.v1.${type}`,
  about: order.id,
  version: order.version,
  payload: eventPayload(order),
});
const level = (version: bigint) => ({
  topic: 'inventory.stock-events',
  type: 'stoa.inventory.v1.StockLevelChanged',
  about: SKU,
  version,
});

async function writeReserved({ tell }: Streams, order: Order, stockVersion: bigint) {
  const about = order.id;
  await tell(orderEvent('OrderPlaced', order));
  const reserve = await tell({ ...command('inventory', 'ReserveStock'), about });
  const reserved = await tell({ ...stockAnswer('StockReserved'), about, cause: reserve });
  await tell({ ...level(stockVersion), cause: reserve });
  return tell({ ...command('payments', 'AuthorizePayment'), about, cause: reserved });
}

async function writeConfirmed(clients: Clients, streams: Streams): Promise<void> {
  const { tell } = streams;
  const about = CONFIRMED;
  const placed = purchase(about);
  const authorize = await writeReserved(streams, placed, 2n);
  const authorized = await tell({ ...paymentAnswer('PaymentAuthorized'), about, version: 1n, cause: authorize });
  const commit = await tell({ ...command('inventory', 'CommitStock'), about, cause: authorized });
  const committed = await tell({ ...stockAnswer('StockCommitted'), about, cause: commit });
  const capture = await tell({ ...command('payments', 'CapturePayment'), about, cause: committed });
  const captured = await tell({ ...paymentAnswer('PaymentCaptured'), about, version: 2n, cause: capture });
  const confirmed = change(placed, { kind: 'confirmed' });
  await tell({ ...orderEvent('OrderConfirmed', confirmed), cause: captured });
  const ship = await tell({ ...command('shipping', 'CreateShipment'), about, cause: captured });
  const shipping = { topic: 'shipping.events', type: 'stoa.shipping.v1.ShipmentCreated' };
  const created = await tell({ ...shipping, about, version: 1n, cause: ship });
  const shipped = change(confirmed, { kind: 'shipment_created', trackingNumber: 'ST1' });
  await tell({ ...orderEvent('OrderShipmentCreated', shipped), cause: created });
  const path = ['RESERVING', 'AUTHORIZING', 'COMMITTING_STOCK', 'CAPTURING', 'ARRANGING_SHIPMENT', 'COMPLETED'];
  await writeOrderRows(clients.orders, shipped, 'tok_approve', path);
  await writeReservation(clients, about, 'SHIPPED');
  await writePayment(clients, about, 'CAPTURED', 'tok_approve');
  const shipment = { order_id: about, id: relative(about, 'shipment'), state: 'CREATED', method_id: 'standard' };
  await insert(clients.shipping, 'shipment', { ...shipment, tracking_number: 'ST1' });
  await insert(clients.cart, 'cart', { id: placed.cartId, version: 3, currency: 'EUR', order_id: about });
  await writeMails(clients, about, ['order-confirmed', 'order-shipped']);
}

async function writeRejected(clients: Clients, streams: Streams): Promise<void> {
  const { tell } = streams;
  const about = REJECTED;
  const placed = purchase(about);
  const authorize = await writeReserved(streams, placed, 3n);
  // After its customer was asked to act at the bank.
  const required = await tell({ ...paymentAnswer('PaymentActionRequired'), about, version: 1n, cause: authorize });
  const asked = change(placed, { kind: 'payment_action_required', expiresAt: new Date(placed.placedAt.getTime() + 1) });
  await tell({ ...orderEvent('OrderPaymentActionRequired', asked), cause: required });
  const declined = await tell({ ...paymentAnswer('PaymentDeclined'), about, version: 2n, cause: authorize });
  const release = await tell({ ...command('inventory', 'ReleaseStock'), about, cause: declined });
  const released = await tell({ ...stockAnswer('StockReleased'), about, cause: release });
  await tell({ ...level(4n), cause: release });
  const rejected = change(asked, { kind: 'rejected', reason: 'CARD_DECLINED' });
  await tell({ ...orderEvent('OrderRejected', rejected), cause: released });
  const path = ['RESERVING', 'AUTHORIZING', 'AUTHORIZING', 'UNDOING_RESERVING', 'COMPENSATED'];
  await writeOrderRows(clients.orders, rejected, 'tok_decline', path);
  await writeReservation(clients, about, 'RELEASED');
  await writePayment(clients, about, 'DECLINED', 'tok_decline');
  // Opened again for another try.
  await insert(clients.cart, 'cart', { id: placed.cartId, version: 4, currency: 'EUR' });
  await writeMails(clients, about, ['order-rejected']);
}

/** Captured at the provider, which our side has not read yet. */
async function writeMoving(clients: Clients, streams: Streams): Promise<void> {
  const { tell } = streams;
  const about = MOVING;
  const placed = purchase(about);
  const authorize = await writeReserved(streams, placed, 5n);
  const authorized = await tell({ ...paymentAnswer('PaymentAuthorized'), about, version: 1n, cause: authorize });
  const commit = await tell({ ...command('inventory', 'CommitStock'), about, cause: authorized });
  const committed = await tell({ ...stockAnswer('StockCommitted'), about, cause: commit });
  await tell({ ...command('payments', 'CapturePayment'), about, cause: committed });
  const path = ['RESERVING', 'AUTHORIZING', 'COMMITTING_STOCK', 'CAPTURING'];
  await writeOrderRows(clients.orders, placed, 'tok_approve', path);
  await writeReservation(clients, about, 'COMMITTED');
  await writePayment(clients, about, 'AUTHORIZED', 'tok_approve');
  await writeCharge(clients, about, 'CAPTURED', 'tok_approve');
  await insert(clients.cart, 'cart', { id: placed.cartId, version: 3, currency: 'EUR', order_id: about });
}

async function writeReservation({ inventory }: Clients, order: string, state: string): Promise<void> {
  const reason = state === 'RELEASED' ? 'RELEASED' : '';
  await insert(inventory, 'reservation', { order_id: order, state, reason });
  await insert(inventory, 'reservation_line', { order_id: order, sku: SKU, quantity: 2 });
}

async function writePayment(clients: Clients, order: string, state: string, token: string): Promise<void> {
  const isCaptured = state === 'CAPTURED';
  const id = relative(order, 'payment');
  await insert(clients.payments, 'payment', {
    order_id: order,
    payment_id: id,
    state,
    goal: isCaptured ? 'capture' : 'authorize',
    amount_minor: TOTAL,
    currency: 'EUR',
    method_id: 'card',
    token,
    captured_minor: isCaptured ? TOTAL : 0,
    refunded_minor: 0,
    reason: '',
    reference: '',
    version: 1,
    traceparent: '',
    causation_id: '',
    updated_at: SINCE,
  });
  // The provider's charge of a payment that is under way is written apart.
  if (state !== 'AUTHORIZED') await writeCharge(clients, order, state, token);
  if (!isCaptured) return;
  const movement = { order_id: order, payment_id: id, kind: 'capture', provider_key: `${id}:capture`, currency: 'EUR' };
  const debit = { account: 'provider:sandbox', debit_minor: TOTAL, credit_minor: 0 };
  const credit = { account: 'orders', debit_minor: 0, credit_minor: TOTAL };
  await insert(clients.payments, 'ledger_entry', { ...movement, ...debit }, { ...movement, ...credit });
}

async function writeCharge({ sandbox }: Clients, order: string, state: string, token: string): Promise<void> {
  const payment_id = relative(order, 'payment');
  const isCaptured = state === 'CAPTURED';
  const amount = { amount_minor: TOTAL, currency: 'EUR' };
  await insert(sandbox, 'charge', {
    payment_id,
    order_ref: order,
    authorize_key: `${payment_id}:authorize`,
    token,
    state,
    captured_minor: isCaptured ? TOTAL : 0,
    ...amount,
  });
  const entry = (kind: string, ok: boolean) => ({
    provider_key: `${payment_id}:${kind}`,
    payment_id,
    order_ref: order,
    kind,
    ok,
    code: ok ? '' : 'CARD_DECLINED',
    ...amount,
  });
  await insert(sandbox, 'ledger', entry('authorize', isCaptured), ...(isCaptured ? [entry('capture', true)] : []));
}

async function writeMails({ notifications }: Clients, order: string, templates: readonly string[]): Promise<void> {
  for (const template of templates) {
    const id = randomUUID();
    const category = template === 'order-shipped' ? 'SHIPMENT' : 'ORDER_STATUS';
    const sent = { state: 'SENT', attempts: 1, finished_at: SINCE };
    await insert(notifications, 'notification', { id, order_id: order, template, category, snapshot: {}, ...sent });
    const mail = { recipient: 'somebody@example.test', subject: template, body: '', sent_at: SINCE };
    await insert(notifications, 'mailbox', {
      id: randomUUID(),
      notification_id: id,
      order_id: order,
      template,
      ...mail,
    });
  }
}

/** Stock as the receipt and the reservations have left it, and the catalog that shows it. */
async function writeShelves({ inventory, catalog }: Clients, isMoving: boolean): Promise<void> {
  const stock = { sku: SKU, on_hand: 98, reserved: isMoving ? 2 : 0, version: isMoving ? 5 : 4 };
  await insert(inventory, 'stock', stock);
  // Received, and shipped with the confirmed order.
  for (const quantity of [100, -2]) {
    const receipt_id = randomUUID();
    await insert(inventory, 'stock_receipt', { receipt_id });
    await insert(inventory, 'stock_receipt_line', { receipt_id, sku: SKU, quantity });
  }
  const product = { id: PRODUCT, slug: 'tee', name: 'Tee', name_key: 'tee', description: '', image_url: '' };
  const prices = { currency: 'EUR', price_from_minor: 1000, price_to_minor: 1000 };
  await insert(catalog, 'products', { ...product, ...prices, category_ids: [], options: '[]', availability: 3 });
  const variant = { sku: SKU, product_id: PRODUCT, position: 0, name: 'S', options: '[]', currency: 'EUR' };
  await insert(catalog, 'variants', { ...variant, price_minor: 1000, price_version: 1, availability: 3 });
  const shown = { sku: SKU, available: stock.on_hand - stock.reserved, version: stock.version };
  await insert(catalog, 'sku_availability', shown);
}

/** Writes everything; `moving` adds an order that is on its way. */
export async function writeConsistentWorld(clients: Clients, { moving }: { readonly moving: boolean }): Promise<void> {
  const streams = createStreams(clients);
  await writeShelves(clients, moving);
  await streams.tell(level(1n));
  await writeConfirmed(clients, streams);
  await writeRejected(clients, streams);
  if (moving) await writeMoving(clients, streams);
  await streams.finish();
}
