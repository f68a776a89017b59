// Who may see an order: its customer, staff, and whoever holds the token that a guest was given.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ConnectError, HandlerContext } from '@connectrpc/connect';
import { callerOf } from '@stoa/chassis/rpc/caller';
import { notFound } from '@stoa/chassis/rpc/errors';
import type { Order } from '../domain/order.ts';

/** The same for every repetition of a request: derived from the order's id, stored nowhere. */
export function accessToken(secret: string, orderId: string): string {
  return createHmac('sha256', secret).update(orderId).digest('base64url');
}

function isToken(secret: string, orderId: string, token: string): boolean {
  const expected = Buffer.from(accessToken(secret, orderId));
  const given = Buffer.from(token);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

export const orderNotFound = (): ConnectError => notFound('ORDER_NOT_FOUND', 'there is no such order');

export function maySee(order: Order, token: string, secret: string, call: HandlerContext): boolean {
  const { user } = callerOf(call);
  const isOwner = user !== undefined && order.customerId === user.id;
  return isOwner || user?.role === 'staff' || isToken(secret, order.id, token);
}

/** Throws ORDER_NOT_FOUND for somebody else's order: its existence is nobody's business. */
export function checkAccess(order: Order | undefined, token: string, secret: string, call: HandlerContext): Order {
  if (order === undefined || !maySee(order, token, secret, call)) throw orderNotFound();
  return order;
}
