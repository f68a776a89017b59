// An order whose customer must act for its payment (3-D Secure), as a storefront sees it.
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { OrderConfirmedSchema, OrderPaymentActionRequiredSchema } from '@stoa/proto/stoa/orders/v1/events_pb';
import { type Order, OrderStatus } from '@stoa/proto/stoa/orders/v1/order_pb';
import { PaymentState } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { accessToken, type BffUnderTest, startBff } from '../bff-under-test.ts';
import { anOrder, CART_ID, createFakes, ORDER_ID, USER } from '../fakes.ts';

const EXPIRES_AT = new Date('2030-01-01T12:00:00.000Z');
const REDIRECT_URL = 'https://bank.example/3ds/1';
const ACTION = { redirectUrl: REDIRECT_URL, clientSecret: null, expiresAt: EXPIRES_AT.toISOString() };
const FIELDS = 'status paymentAction { redirectUrl clientSecret expiresAt }';

const fakes = createFakes();
let bff: BffUnderTest;
let token: string;
beforeAll(async () => {
  bff = await startBff({ fakes: fakes.services });
  token = await accessToken(USER);
});
afterEach(() => fakes.reset());
afterAll(() => bff.stop());

const asking = (version: number, status: OrderStatus = OrderStatus.PENDING): Order => ({
  ...anOrder(version, status),
  paymentAction: { $typeName: 'stoa.orders.v1.OrderPaymentAction', expiresAt: timestampFromDate(EXPIRES_AT) },
});
const payment = { orderId: ORDER_ID, state: PaymentState.PENDING };
const action = { redirectUrl: REDIRECT_URL, clientSecret: '' };

const looks = () => fakes.asked.filter(({ method }) => method === 'getPayments').length;
const shown = async () => (await bff.graphql(`{ order(id: "${ORDER_ID}") { ${FIELDS} } }`, { token })).data.order;

test('shows where to send the customer, and until when they may act', async () => {
  fakes.answer('getOrder', () => ({ order: asking(2) }));
  fakes.answer('getPayments', () => ({ payments: [{ payment, action }] }));
  expect(await shown()).toEqual({ status: 'PENDING', paymentAction: ACTION });
  // Both fields of the payment are one look.
  const both = `{ order(id: "${ORDER_ID}") { ${FIELDS} payment { state } } }`;
  fakes.asked.length = 0;
  expect((await bff.graphql(both, { token })).data.order).toMatchObject({ payment: { state: 'PENDING' } });
  expect(looks()).toBe(1);
});

test('a client that acts by itself gets the secret', async () => {
  fakes.answer('getOrder', () => ({ order: asking(2) }));
  fakes.answer('getPayments', () => ({
    payments: [{ payment, action: { redirectUrl: '', clientSecret: 'pi_1_secret' } }],
  }));
  expect((await shown()).paymentAction).toMatchObject({ redirectUrl: null, clientSecret: 'pi_1_secret' });
});

test('there is nothing to do once the customer has acted, although the order is not decided yet', async () => {
  fakes.answer('getOrder', () => ({ order: asking(2) }));
  fakes.answer('getPayments', () => ({ payments: [{ payment: { ...payment, state: PaymentState.AUTHORIZED } }] }));
  expect(await shown()).toEqual({ status: 'PENDING', paymentAction: null });
});

test('an order that asks for nothing costs no look at its payment', async () => {
  expect(await shown()).toEqual({ status: 'PENDING', paymentAction: null });
  fakes.answer('getOrder', () => ({ order: asking(3, OrderStatus.REJECTED) }));
  expect(await shown()).toEqual({ status: 'REJECTED', paymentAction: null });
  expect(looks()).toBe(0);
});

test('placeOrder answers with it', async () => {
  fakes.answer('placeOrder', () => ({ order: asking(2), accessToken: 'order-token', repeated: false }));
  fakes.answer('getPayments', () => ({ payments: [{ payment, action }] }));
  const input = `cartId: "${CART_ID}", idempotencyKey: "key-12345678", paymentMethodId: "card", paymentToken: "t", waitMs: 3000`;
  const { data } = await bff.graphql(
    `mutation { placeOrder(input: { ${input} }) { ... on PlaceOrderPayload { order { ${FIELDS} } } } }`,
  );
  expect(data.placeOrder.order).toEqual({ status: 'PENDING', paymentAction: ACTION });
});

test('the live view tells when it is the customer’s turn, and when it no longer is', async () => {
  fakes.answer('getPayments', () => ({ payments: [{ payment, action }] }));
  const response = await fetch(`${bff.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: `subscription { orderStatusChanged(orderId: "${ORDER_ID}") { ${FIELDS} } }` }),
  });
  await expect.poll(() => bff.listeners()).toBe(1);
  bff.emit(OrderPaymentActionRequiredSchema, { orderId: ORDER_ID, version: 3n, order: asking(3) });
  const done = { ...anOrder(4, OrderStatus.CONFIRMED), trackingNumber: 'T1' };
  bff.emit(OrderConfirmedSchema, { orderId: ORDER_ID, version: 4n, order: done });
  const told = [...(await response.text()).matchAll(/^data: ?(\{.+)$/gm)].map(([, data = '']) => JSON.parse(data));
  expect(told.map(({ data }) => data.orderStatusChanged)).toEqual([
    { status: 'PENDING', paymentAction: null },
    { status: 'PENDING', paymentAction: ACTION },
    { status: 'CONFIRMED', paymentAction: null },
  ]);
});
