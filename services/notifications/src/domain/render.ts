// Plain-text mail from an order's snapshot. What comes from outside (names of products and people) is put on one line
// and stripped of control characters, so that it can neither break the layout nor pretend to be more lines.
import { formatMoney, type Money } from '@stoa/proto/money';
import type { TemplateName } from './template.ts';

export interface MailLine {
  readonly product: string;
  readonly variant: string;
  readonly quantity: number;
  readonly total: Money | undefined;
}

export interface MailTotals {
  readonly subtotal: Money | undefined;
  readonly shipping: Money | undefined;
  readonly tax: Money | undefined;
  readonly total: Money | undefined;
}

export interface MailOrder {
  readonly number: string;
  readonly lines: readonly MailLine[];
  readonly totals: MailTotals;
  readonly reason: string;
  readonly trackingNumber: string;
}

export interface RenderOptions {
  readonly recipientName: string;
  readonly shopName: string;
  /** How amounts are written. */
  readonly locale: string;
}

export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
}

const REJECTIONS: Readonly<Record<string, string>> = {
  INSUFFICIENT_STOCK: 'Something you ordered sold out while we were processing your order.',
  CARD_DECLINED: 'Your payment was declined.',
  INSUFFICIENT_FUNDS: 'Your payment was declined.',
  INVALID_TOKEN: 'Your payment was declined.',
  AUTHENTICATION_REQUIRED: 'Your payment was not confirmed.',
  AUTHENTICATION_FAILED: 'Your payment was not confirmed.',
  PAYMENT_ACTION_EXPIRED: 'Your payment was not confirmed in time.',
  AUTHORIZING_TIMED_OUT: 'We could not get an answer from the payment provider in time.',
  CUSTOMER_REQUEST: 'You asked us to cancel it.',
};

export function renderMail(template: TemplateName, order: MailOrder, options: RenderOptions): RenderedMail {
  const number = oneLine(order.number);
  const { subject, paragraphs } = content(template, { ...order, number }, options.locale);
  const name = oneLine(options.recipientName);
  const greeting = name === '' ? 'Hello,' : `Hello ${name},`;
  const text = [greeting, ...paragraphs, oneLine(options.shopName)].filter((part) => part !== '').join('\n\n');
  return { subject, text: `${text}\n` };
}

function content(template: TemplateName, order: MailOrder, locale: string) {
  const { number } = order;
  switch (template) {
    case 'order-confirmed':
      return {
        subject: `Your order ${number} is confirmed`,
        paragraphs: [
          `thank you for your order ${number}. It is paid and will be on its way soon.`,
          items(order, locale),
        ],
      };
    case 'order-rejected':
      return {
        subject: `Your order ${number} could not be completed`,
        paragraphs: [
          `we are sorry: your order ${number} could not be completed. ${because(order.reason)}`.trimEnd(),
          'You have not been charged. If your bank shows a reservation, it will disappear by itself.',
          items(order, locale),
        ],
      };
    case 'order-cancelled':
      return {
        subject: `Your order ${number} was cancelled`,
        paragraphs: [
          `your order ${number} was cancelled. ${because(order.reason)}`.trimEnd(),
          'If you have paid for it, the money is on its way back to you.',
          items(order, locale),
        ],
      };
    case 'order-shipped':
      return {
        subject: `Your order ${number} is on its way`,
        paragraphs: [`your order ${number} is on its way.`, tracking(order.trackingNumber), items(order, locale)],
      };
    default:
      return template satisfies never;
  }
}

/** A sentence for the reasons that a customer can make sense of, nothing for the others. */
function because(reason: string): string {
  return Object.hasOwn(REJECTIONS, reason) ? (REJECTIONS[reason] as string) : '';
}

function tracking(trackingNumber: string): string {
  const shown = oneLine(trackingNumber);
  return shown === '' ? '' : `Tracking number: ${shown}`;
}

function items({ lines, totals }: MailOrder, locale: string): string {
  const ordered = lines.map(({ product, variant, quantity, total }) => {
    const suffix = oneLine(variant) === '' ? '' : `, ${oneLine(variant)}`;
    return row(`${quantity} x ${oneLine(product)}${suffix}`, total, locale);
  });
  const sums = [
    row('Subtotal', totals.subtotal, locale),
    row('Shipping', totals.shipping, locale),
    row('Tax', totals.tax, locale),
    row('Total', totals.total, locale),
  ];
  const blocks = [ordered, sums].map((rows) => rows.filter((line) => line !== '').join('\n'));
  return blocks.filter((block) => block !== '').join('\n\n');
}

function row(label: string, amount: Money | undefined, locale: string): string {
  return amount === undefined ? '' : `  ${label}: ${formatMoney(amount, locale)}`;
}

const TEXT_MAX = 200;

/** Control and formatting characters (bidirectional overrides too) become spaces, runs of spaces one. */
function oneLine(text: string): string {
  const clean = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return clean.length > TEXT_MAX ? `${[...clean].slice(0, TEXT_MAX).join('')}…` : clean;
}
