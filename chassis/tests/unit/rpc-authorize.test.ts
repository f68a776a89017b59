import { Code, ConnectError } from '@connectrpc/connect';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { Audience } from '@stoa/proto/stoa/policy/v1/policy_pb';
import { describe, expect, it } from 'vitest';
import { authorize } from '../../src/rpc/authorize.ts';
import type { User } from '../../src/rpc/caller.ts';
import { reasonOf } from '../../src/rpc/errors.ts';
import { methodPolicy } from '../../src/rpc/policy.ts';

const customer: User = { id: 'u1', role: 'customer' };
const staff: User = { id: 'u2', role: 'staff' };

function decide(audience: Audience, user: User | undefined, fromEdge = false, services = ['bff'], callers = ['bff']) {
  const rules = { ...methodPolicy(OrdersService.method.getOrder), audience, callers: new Set(callers) };
  const decision = authorize(rules, { services, user, token: undefined }, fromEdge);
  return typeof decision === 'string' ? decision : [decision.code, reasonOf(decision)];
}

const NOT_ALLOWED = [Code.PermissionDenied, 'CALLER_NOT_ALLOWED'];
const SIGN_IN = [Code.Unauthenticated, 'SIGN_IN_REQUIRED'];

describe('authorization by the contract', () => {
  it.each([
    [Audience.PUBLIC, undefined, 'bff'],
    [Audience.PUBLIC, customer, 'bff'],
    [Audience.CUSTOMER, undefined, SIGN_IN],
    [Audience.CUSTOMER, customer, 'bff'],
    [Audience.CUSTOMER, staff, 'bff'],
    [Audience.STAFF, undefined, SIGN_IN],
    [Audience.STAFF, customer, [Code.PermissionDenied, 'STAFF_ONLY']],
    [Audience.STAFF, staff, 'bff'],
    [Audience.INTERNAL, undefined, 'bff'],
    [Audience.INTERNAL, customer, NOT_ALLOWED],
    [Audience.INTERNAL, staff, NOT_ALLOWED],
    [99 as Audience, staff, NOT_ALLOWED],
  ])('audience %s with user %o: %o', (audience, user, expected) => {
    expect(decide(audience, user)).toEqual(expected);
  });

  it('never lets the edge reach an internal method, not even for every service and without a user', () => {
    expect(decide(Audience.INTERNAL, undefined, true, ['bff'], ['*'])).toEqual(NOT_ALLOWED);
  });

  it('takes only the services that the contract lists', () => {
    expect(decide(Audience.PUBLIC, undefined, false, ['cart'])).toEqual(NOT_ALLOWED);
    expect(decide(Audience.PUBLIC, undefined, false, ['cart', 'bff'])).toBe('bff');
    expect(decide(Audience.PUBLIC, undefined, false, ['cart'], [])).toEqual(NOT_ALLOWED);
  });

  it('takes every service, but only services, where the contract says "*"', () => {
    expect(decide(Audience.PUBLIC, undefined, false, ['cart'], ['*'])).toBe('cart');
    expect(decide(Audience.PUBLIC, staff, false, [], ['*'])).toEqual(NOT_ALLOWED);
  });

  it('checks the service before the user, so that strangers learn nothing', () => {
    expect(decide(Audience.STAFF, undefined, false, ['cart'])).toEqual(NOT_ALLOWED);
  });

  it('names the method in the refusal', () => {
    const rules = methodPolicy(OrdersService.method.getContacts);
    const refusal = authorize(rules, { services: ['cart'], user: undefined, token: undefined }, false);
    expect(refusal).toBeInstanceOf(ConnectError);
    expect((refusal as ConnectError).rawMessage).toBe('cart may not call /stoa.orders.v1.OrdersService/GetContacts');
  });
});
