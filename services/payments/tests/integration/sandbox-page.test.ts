// The page on which a person plays the customer of the sandbox (tok_3ds).
import { PaymentActionRequiredSchema } from '@stoa/proto/stoa/payments/v1/events_pb';
import { PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { authorize, openHttp, openPayments, type Payments } from './fixtures.ts';

const PUBLIC_URL = 'https://bank.example';

let payments: Payments;
let http: Awaited<ReturnType<typeof openHttp>>;
beforeAll(async () => {
  payments = await openPayments({ STOA_PAYMENTS_SANDBOX_PUBLIC_URL: PUBLIC_URL });
  http = await openHttp(payments);
});
afterAll(async () => {
  await http?.close();
  await payments?.stop();
});
afterEach(() => payments.expectBooksToAgree());

/** An order whose customer must act, and their page as it is reached from here. */
async function waiting() {
  const order = payments.newOrder();
  await payments.deliver(authorize(order, 'tok_3ds'));
  await payments.workOnce();
  const { action } = await payments.service.client(PaymentsService).getPayment({ orderId: order });
  const redirectUrl = action?.redirectUrl ?? '';
  return { order, redirectUrl, page: redirectUrl.replace(PUBLIC_URL, http.url) };
}

const act = (page: string, body: string) =>
  fetch(page, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body });
const textOf = async (page: string) => (await fetch(page)).text();

test('the action names the page, and the event does not', async () => {
  const { order, redirectUrl, page } = await waiting();
  expect(redirectUrl).toMatch(/^https:\/\/bank\.example\/sandbox\/3ds\/[0-9a-f-]{36}$/);
  const told = (await payments.service.published(PaymentActionRequiredSchema)).find((e) => e.orderId === order);
  expect(told).toBeDefined();
  expect(JSON.stringify(told?.payment, (_key, value) => String(value))).not.toContain('bank.example');
  await act(page, 'answer=fail');
  await payments.settle();
});

test.each([
  ['confirm', 'Authorized', 'You have confirmed the payment of €42.00'],
  ['fail', 'Declined', 'The payment of €42.00 was not made'],
])('%s: the order hears of it, and the page says so', async (answer, heard, said) => {
  const { order, page } = await waiting();
  const asked = await fetch(page);
  expect(asked.status).toBe(200);
  expect(asked.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(await asked.text()).toMatch(/A shop asks for <strong>€42\.00.*<button name="answer" value="confirm">/s);
  // Twice, as a finger does; after it the page is shown again.
  for (const response of [await act(page, `answer=${answer}`), await act(page, 'answer=confirm')]) {
    expect(response.status).toBe(200);
    expect(await response.text()).toContain(said);
  }
  await payments.settle();
  expect(await payments.answers(order)).toEqual(['ActionRequired', heard]);
  expect(await textOf(page)).toContain(said);
});

test('anything else decides nothing', async () => {
  const { order, page } = await waiting();
  for (const body of ['answer=maybe', '', 'x'.repeat(100_000)]) expect((await act(page, body)).status).toBe(400);
  expect((await fetch(page, { method: 'DELETE' })).status).toBe(405);
  const nobody = page.replace(/[0-9a-f]{12}$/, '000000000000');
  for (const url of [nobody, `${http.url}/sandbox/3ds/`, `${http.url}/sandbox/3ds/1'`]) {
    expect((await fetch(url)).status).toBe(404);
    expect((await act(url, 'answer=confirm')).status).toBe(404);
  }
  expect(await payments.answers(order)).toEqual(['ActionRequired']);
  await act(page, 'answer=fail');
  await payments.settle();
});

test('Stripe’s customers have Stripe’s page: this one is not there', async () => {
  const stripe = await openPayments({}, 'stripe');
  const other = await openHttp(stripe);
  try {
    const order = stripe.newOrder();
    await stripe.deliver(authorize(order, 'tok_3ds_confirmed'));
    await stripe.workOnce();
    const { payment_id } = await stripe.payment(order);
    expect((await fetch(`${other.url}/sandbox/3ds/${payment_id}`)).status).toBe(404);
    await stripe.settle();
  } finally {
    await other.close();
    await stripe.stop();
  }
});
