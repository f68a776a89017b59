// Requests into this context's words. Everything unreadable is told at once, by field.
import { createHash } from 'node:crypto';
import type { HandlerContext } from '@connectrpc/connect';
import { userIdOf } from '@stoa/chassis/rpc/caller';
import { type Checks, validate } from '@stoa/chassis/rpc/validate';
import type {
  AddLinesRequest,
  CreateCartRequest,
  DetailsInput,
  LineInput,
  RemoveLinesRequest,
  SetDetailsRequest,
  UpdateLinesRequest,
} from '@stoa/proto/stoa/cart/v1/cart_pb';
import type { Address as AddressMessage } from '@stoa/proto/stoa/common/v1/address_pb';
import { type Addition, type Address, type Details, LINES_MAX, QUANTITY_MAX } from '../domain/cart.ts';
import type { LineWish } from '../domain/change-lines.ts';
import { EMAIL_MAX, isCountry, isEmail } from '../domain/contact.ts';

/** As in catalog. */
const SKU_MAX = 100;
const METHOD_ID_MAX = 64;
const KEY_MAX = 200;
const PRINTABLE = /^[\x21-\x7e]+$/;

/** Which cart, and who asks for it. */
export interface CartKey {
  readonly cartId: string;
  readonly userId: string | undefined;
}

function toKey(request: { readonly cartId: string }, call: HandlerContext): CartKey {
  // The database writes UUIDs in lower case; a claim compares them here.
  return { cartId: request.cartId.toLowerCase(), userId: userIdOf(call) };
}

export function readKey(request: { readonly cartId: string }, call: HandlerContext): CartKey {
  validate((checks) => checks.uuid('cart_id', request.cartId));
  return toKey(request, call);
}

function checkLines(checks: Checks, lines: readonly LineInput[], itemsMin: number, quantityMin: number): void {
  checks.items('lines', lines, itemsMin, LINES_MAX);
  for (const [index, { sku, quantity }] of lines.slice(0, LINES_MAX).entries()) {
    checks.text(`lines[${index}].sku`, sku, 1, SKU_MAX);
    checks.integer(`lines[${index}].quantity`, quantity, quantityMin, QUANTITY_MAX);
  }
}

const toWish = ({ sku, quantity }: LineInput): LineWish => ({ sku: sku.trim(), quantity });

export interface AddLines extends CartKey {
  readonly wishes: readonly LineWish[];
  /** Undefined when it must not be repeated. */
  readonly addition: Addition | undefined;
}

export function readAddLines(request: AddLinesRequest, call: HandlerContext): AddLines {
  const { idempotencyKey } = request;
  validate((checks) => {
    checks.uuid('cart_id', request.cartId);
    checkLines(checks, request.lines, 1, 1);
    if (idempotencyKey === '') return;
    checks.text('idempotency_key', idempotencyKey, 1, KEY_MAX);
    checks.require(PRINTABLE.test(idempotencyKey), 'idempotency_key', 'must be printable characters without spaces');
  });
  const wishes = request.lines.map(toWish);
  const what = JSON.stringify(wishes.map(({ sku, quantity }) => [sku, quantity]));
  const addition = idempotencyKey === '' ? undefined : { key: hash(idempotencyKey), lines: hash(what) };
  return { ...toKey(request, call), wishes, addition };
}

/** 96 bits: enough to tell ten keys of one cart apart. */
function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

export function readUpdateLines(request: UpdateLinesRequest, call: HandlerContext): CartKey & { wishes: LineWish[] } {
  validate((checks) => {
    checks.uuid('cart_id', request.cartId);
    checkLines(checks, request.lines, 1, 0);
    // Which of two quantities should hold is nobody's guess.
    const skus = new Set(request.lines.map((line) => line.sku.trim()));
    checks.require(skus.size === request.lines.length, 'lines', 'must name each sku once');
  });
  return { ...toKey(request, call), wishes: request.lines.map(toWish) };
}

export function readRemoveLines(request: RemoveLinesRequest, call: HandlerContext): CartKey & { skus: string[] } {
  validate((checks) => {
    checks.uuid('cart_id', request.cartId);
    checks.items('skus', request.skus, 1, LINES_MAX);
    for (const [index, sku] of request.skus.slice(0, LINES_MAX).entries())
      checks.text(`skus[${index}]`, sku, 1, SKU_MAX);
  });
  return { ...toKey(request, call), skus: request.skus.map((sku) => sku.trim()) };
}

function checkAddress(checks: Checks, address: AddressMessage): void {
  const field = (name: string) => `details.address.${name}`;
  checks.text(field('name'), address.name, 1, 100);
  checks.text(field('line1'), address.line1, 1, 200);
  checks.text(field('line2'), address.line2, 0, 200);
  checks.text(field('city'), address.city, 1, 100);
  checks.text(field('postal_code'), address.postalCode, 1, 20);
  checks.require(isCountry(address.country), field('country'), 'must be an ISO 3166-1 alpha-2 code in upper case');
}

function checkDetails(checks: Checks, details: DetailsInput): void {
  const { email, address, shippingMethodId } = details;
  if (email !== undefined) {
    checks.text('details.email', email, 1, EMAIL_MAX);
    checks.require(isEmail(email.trim()), 'details.email', 'must be an e-mail address');
  }
  if (address !== undefined) checkAddress(checks, address);
  if (shippingMethodId !== undefined) {
    checks.text('details.shipping_method_id', shippingMethodId, 1, METHOD_ID_MAX);
  }
}

function toAddress({ name, line1, line2, city, postalCode, country }: AddressMessage): Address {
  return {
    name: name.trim(),
    line1: line1.trim(),
    line2: line2.trim(),
    city: city.trim(),
    postalCode: postalCode.trim(),
    country,
  };
}

function toDetails(details: DetailsInput | undefined): Details {
  return {
    email: details?.email?.trim(),
    address: details?.address && toAddress(details.address),
    shippingMethodId: details?.shippingMethodId?.trim(),
  };
}

export function readSetDetails(request: SetDetailsRequest, call: HandlerContext): CartKey & { details: Details } {
  validate((checks) => {
    checks.uuid('cart_id', request.cartId);
    checks.require(request.details !== undefined, 'details', 'must be given');
    if (request.details !== undefined) checkDetails(checks, request.details);
  });
  return { ...toKey(request, call), details: toDetails(request.details) };
}

export interface CreateCart {
  readonly userId: string | undefined;
  readonly currency: string;
  readonly wishes: readonly LineWish[];
  readonly details: Details;
}

/** `currencies`: those offered, the default one first. */
export function readCreateCart(
  request: CreateCartRequest,
  call: HandlerContext,
  currencies: readonly [string, ...string[]],
): CreateCart {
  const currency = request.currency === '' ? currencies[0] : request.currency;
  validate((checks) => {
    checks.require(currencies.includes(currency), 'currency', `must be one of ${currencies.join(', ')}`);
    checkLines(checks, request.lines, 0, 1);
    if (request.details !== undefined) checkDetails(checks, request.details);
  });
  return { userId: userIdOf(call), currency, wishes: request.lines.map(toWish), details: toDetails(request.details) };
}
