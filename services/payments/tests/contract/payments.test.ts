// Payments and orders: the commands that it carries out, its answers, and the methods that it offers.

import type { DescMessage } from '@bufbuild/protobuf';
import { readContract } from '@stoa/chassis/testing/contract';
import type { TestMessage } from '@stoa/chassis/testing/test-service';
import {
  AuthorizePaymentSchema,
  CancelPaymentSchema,
  CapturePaymentSchema,
} from '@stoa/proto/stoa/payments/v1/commands_pb';
import {
  PaymentActionRequiredSchema,
  PaymentAuthorizedSchema,
  PaymentCancelledSchema,
  PaymentCapturedSchema,
  PaymentCaptureFailedSchema,
  PaymentDeclinedSchema,
} from '@stoa/proto/stoa/payments/v1/events_pb';
import { ListMethodsResponseSchema, PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPayments, type Payments } from '../integration/fixtures.ts';

let payments: Payments;
beforeAll(async () => {
  payments = await openPayments();
});
afterAll(() => payments.stop());

const commands = readContract('orders-payments');
const replies = readContract('payments-orders');

const COMMANDS = {
  AuthorizePayment: AuthorizePaymentSchema,
  CapturePayment: CapturePaymentSchema,
  CancelPayment: CancelPaymentSchema,
};
type Command = keyof typeof COMMANDS;

/** Carries out commands as the contract has them, each to its end. */
async function carryOut(names: readonly Command[], paymentToken = 'tok_approve'): Promise<string> {
  const orderId = payments.newOrder();
  for (const name of names) {
    const schema: DescMessage = COMMANDS[name];
    const over = name === 'AuthorizePayment' ? { orderId, paymentToken } : { orderId };
    await payments.deliver({ schema, message: commands.example(name, schema, over) } as TestMessage);
    await payments.settle();
  }
  return orderId;
}

test('orders’ commands take the money and give it back', async () => {
  const orderId = await carryOut(['AuthorizePayment', 'CapturePayment', 'CancelPayment']);
  expect(await payments.answers(orderId)).toEqual(['Authorized', 'Captured', 'Cancelled']);
  expect(await payments.payment(orderId)).toMatchObject({ state: 'REFUNDED', captured: 4488n, refunded: 4488n });
  expect(commands.names).toEqual(Object.keys(COMMANDS));
});

/** Every answer, and commands that are answered by it. */
const ANSWERS: Readonly<Record<string, [DescMessage, readonly Command[], string?]>> = {
  PaymentActionRequired: [PaymentActionRequiredSchema, ['AuthorizePayment'], 'tok_3ds_confirmed'],
  PaymentAuthorized: [PaymentAuthorizedSchema, ['AuthorizePayment']],
  PaymentDeclined: [PaymentDeclinedSchema, ['AuthorizePayment'], 'tok_decline'],
  PaymentCaptured: [PaymentCapturedSchema, ['AuthorizePayment', 'CapturePayment']],
  PaymentCaptureFailed: [PaymentCaptureFailedSchema, ['AuthorizePayment', 'CapturePayment'], 'tok_fail_capture'],
  PaymentCancelled: [PaymentCancelledSchema, ['AuthorizePayment', 'CapturePayment', 'CancelPayment']],
};

test.each(replies.names.filter((name) => name !== 'ListMethods'))('%s has what orders relies on', async (name) => {
  const [schema, names, token] = ANSWERS[name] ?? [];
  if (schema === undefined || names === undefined) throw new Error(`payments publishes no ${name}`);
  const orderId = await carryOut(names, token);
  const published = (await payments.service.published(schema)) as unknown as { orderId: string }[];
  const message = published.find((candidate) => candidate.orderId === orderId);
  expect(replies.shortcomings(name, schema, message as never)).toEqual([]);
});

test('the methods have what orders relies on', async () => {
  const answer = await payments.service.client(PaymentsService).listMethods({});
  expect(replies.shortcomings('ListMethods', ListMethodsResponseSchema, answer)).toEqual([]);
});
