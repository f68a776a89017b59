// What a storefront, an operator and a crash do to the whole system, on the real command. The same in both modes; one
// running shop for each, because starting one takes longer than most scenarios.

import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { auditing } from './scenarios/audit.ts';
import { badInput } from './scenarios/bad-input.ts';
import { browsing } from './scenarios/browse.ts';
import { crashing } from './scenarios/crash.ts';
import { registeredCustomer } from './scenarios/customer.ts';
import { guestCheckout } from './scenarios/guest-checkout.ts';
import { lifecycle, resetting } from './scenarios/lifecycle.ts';
import { payingOnce } from './scenarios/pay-once.ts';
import { leavingTheBank, payingAtTheBank } from './scenarios/payment-action.ts';
import { openShop, type Shop } from './support/shop.ts';

describe.each([
  { mode: 'one process', split: false },
  { mode: 'split', split: true },
])('$mode:', ({ split }) => {
  let running: Shop;
  const shop = () => running;
  beforeAll(async () => {
    running = await openShop({ split });
    await running.start();
  });
  beforeEach(() => running.ensureRunning());
  afterAll(() => running.remove());

  browsing(shop);
  const leaving = leavingTheBank(shop);
  guestCheckout(shop);
  registeredCustomer(shop);
  payingOnce(shop);
  payingAtTheBank(shop);
  badInput(shop);
  crashing(shop, split);
  leaving.ends();
  lifecycle(shop, split);
  auditing(shop);
  resetting(shop);
});
