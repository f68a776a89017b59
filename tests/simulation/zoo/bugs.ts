// The bug zoo: bugs that somebody could write, each a small change of the real sources. The simulation must find every
// one of them within the stated number of seeds; what it could not find it would not protect us from.
import type { Mode, WorldOptions } from '../world/options.ts';

export interface Bug {
  readonly name: string;
  /** What is wrong, and what it must break. */
  readonly why: string;
  readonly file: string;
  /** Must occur exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** A second change to the same file. */
  readonly also?: { readonly find: string; readonly replace: string };
  /** What the violation says that it was found by: another one would be luck, or another bug. */
  readonly finds: RegExp;
  /** Within how many seeds it must be found. */
  readonly seeds: number;
  readonly mode?: Mode;
  /** What its worlds have more of than others; the rest is drawn. For bugs that need one rare thing to show. */
  readonly world?: Partial<WorldOptions>;
}

/** Worlds in which a method of shipping is given up while orders with it are on their way. */
const WITHDRAWN: Partial<WorldOptions> = {
  faultKinds: ['method withdrawn'],
  faultEveryMs: 2000,
  troublesomeCards: 0,
  cancels: 0,
};

export const BUGS: readonly Bug[] = [
  {
    name: 'naive-cursor',
    why: 'numbers only events whose id is above the last one numbered: ids are drawn before commit',
    file: 'chassis/src/events/outbox.ts',
    find: 'from outbox where pub_seq is null order by id limit',
    replace:
      'from outbox where pub_seq is null and id > coalesce((select max(id) from outbox where pub_seq is not null), 0) order by id limit',
    // Transactions that draw their ids early and commit late.
    world: {
      database: { broken: 0, answerLost: 0, commitLost: 0, slowCommit: 0.4, slowCommitMaxMs: 3000, latencyMaxMs: 5 },
    },
    finds: /without a number/,
    seeds: 80,
  },
  {
    name: 'ack-before-commit',
    why: 'a message is acknowledged when it arrives, not when it is applied',
    file: 'chassis/src/events/arrivals.ts',
    find: 'if (queue.size < QUEUE_MAX) queue.set(sequence, message);',
    replace: 'message.ack(); if (queue.size < QUEUE_MAX) queue.set(sequence, message);',
    finds: /I13: .* acknowledged/,
    seeds: 10,
  },
  {
    name: 'ack-in-transaction',
    why: 'a message is acknowledged when it is applied, but before that has committed',
    file: 'chassis/src/events/inbox-worker.ts',
    find: "      await failpoints.hit('inbox.before_commit');",
    replace: "      arrivals.settle(to.seq); await failpoints.hit('inbox.before_commit');",
    finds: /I13: .* acknowledged/,
    seeds: 10,
  },
  {
    name: 'watermark-before-effects',
    why: 'the watermark commits in a transaction of its own before the effects: a crash between them loses the events',
    file: 'chassis/src/events/inbox-worker.ts',
    find: `    const { good, parked } = await handling(db, async (tx, blame) => {
      const share = await moveWatermark(tx, consumer, topic.name, instance, { from, to });
      if (share === undefined) throw new LostPlace();`,
    replace: `    const move = (tx: never) => moveWatermark(tx, consumer, topic.name, instance, { from, to });
    const share = await db.transact((tx) => move(tx as never));
    if (share === undefined) throw new LostPlace();
    const { good, parked } = await handling(db, async (tx, blame) => {`,
    finds: /I20: mails|I16|I10: not settled/,
    seeds: 60,
  },
  {
    name: 'cursor-before-ack',
    why: 'the publisher moves its cursor before the broker has answered: what the broker did not store is not sent again',
    file: 'chassis/src/events/sender.ts',
    find: 'const streamLastSeq = await bus.publish(topic, head.epoch, window);',
    replace: `head = { ...head, published: last.sequence };
      const streamLastSeq = await bus.publish(topic, head.epoch, window);`,
    finds: /I13: the cursor of/,
    seeds: 40,
  },
  {
    name: 'no-tombstone',
    why: 'a void of what was never seen leaves no trace at the provider: an authorization that comes later is given',
    file: 'services/payments/src/infrastructure/sandbox/rules.ts',
    find: "if (charge === undefined) return done(request, { ...opened(request, 'VOIDED'), token: '' }, 0n);",
    replace:
      "if (charge === undefined) return { answer: definite(request, { amountMinor: 0n, currency: request.currency, ok: true, code: '' }) };",
    // The call must be lost, the order be called off before it is repeated, and then the lost call arrive.
    world: { providerLate: 0.6, providerLateMaxMs: 20_000, cancels: 0.9 },
    finds: /LATE_AUTHORIZATION|I7/,
    seeds: 120,
  },
  {
    name: 'new-key-on-retry',
    why: 'every call to the provider has a key of its own: a repetition is a new charge',
    file: 'services/payments/src/infrastructure/call-provider.ts',
    find: 'const key = providerKey(paymentId, operation);',
    replace: 'const key = providerKey(paymentId, operation) + `:${attempts}`;',
    finds: /I5|I6: the two ledgers/,
    seeds: 10,
  },
  {
    name: 'unknown-is-declined',
    why: 'a timeout or "not found" is taken for "not charged"',
    file: 'services/payments/src/infrastructure/call-provider.ts',
    find: "{ kind: 'unknown', code: 'DEADLINE_EXCEEDED' }",
    replace: "{ kind: 'declined', code: 'NOT_FOUND' }",
    finds: /LATE_AUTHORIZATION|I7/,
    seeds: 20,
  },
  {
    name: 'release-after-capture',
    why: 'the job that ends holds also takes back what was committed and paid',
    file: 'services/inventory/src/infrastructure/reservations.ts',
    find: "where r.state = 'HELD' and r.expires_at <= now()",
    replace:
      "where (r.state = 'HELD' and r.expires_at <= now() or r.state = 'COMMITTED' and r.changed_at < now() - interval '5 s')",
    finds: /I[1-4]: |I12/,
    seeds: 20,
  },
  {
    name: 'stale-timer',
    why: 'a step keeps the timer of the step before it: it is ended before its time',
    file: 'chassis/src/saga/store.ts',
    find: 'wake_at = now() + make_interval(secs => m.wake_after), updated_at',
    replace:
      'wake_at = case when m.to_state = m.from_state then now() + make_interval(secs => m.wake_after) when m.wake_after is not null then least(s.wake_at, now() + make_interval(secs => m.wake_after)) end, updated_at',
    finds: /I11: a step was ended by a timer/,
    seeds: 60,
  },
  {
    name: 'dedup-by-window',
    why: "nothing but the broker's window keeps a message from being applied twice",
    file: 'chassis/src/events/arrivals.ts',
    find: 'sequence <= watermark.seq && message.epoch === watermark.epoch;',
    replace: 'sequence < 0n;',
    also: {
      find: 'for (let next = seq + 1n; records.length < limit; next++) {',
      replace:
        'for (let next = [...queue.keys()].reduce((a, b) => (a < b ? a : b), seq + 1n); records.length < limit; next++) {',
    },
    finds: /a watermark went back|I21|I13/,
    seeds: 20,
  },
  {
    name: 'wrong-order-of-undos',
    why: 'compensation begins with the first step instead of the last: the payment is never cancelled',
    file: 'chassis/src/saga/decide.ts',
    find: 'for (let i = index; i >= 0; i--) {',
    replace: 'for (let i = 0; i <= index; i++) {',
    finds: /I7: the provider still holds|I11: an illegal/,
    seeds: 20,
  },
  {
    name: 'float-money',
    why: 'tax is computed with floating point and cut off',
    file: 'proto/money.ts',
    find: 'divideHalfUp(gross.minor * points, WHOLE + points)',
    replace: 'BigInt(Math.trunc(Number(gross.minor) - Number(gross.minor) / (1 + Number(points) / Number(WHOLE))))',
    finds: /I18: .* tax/,
    seeds: 10,
  },
  {
    name: 'skipped-gap',
    why: 'the watermark moves past a number that has not come',
    file: 'chassis/src/events/arrivals.ts',
    find: `        const message = queue.get(next);
        if (message === undefined) break;`,
    replace: `        const message = queue.get(next) ?? [...queue.values()].find((m) => m.record.sequence > next);
        if (message === undefined) break;
        next = message.record.sequence;`,
    finds: /I20: mails|I16|I10: not settled|I13/,
    seeds: 30,
  },
  {
    name: 'one-unit-of-each',
    why: 'one unit of each article is kept back, whatever was ordered: the rest is oversold',
    file: 'services/orders/src/api/read-purchase.ts',
    find: 'lines: order.lines.map(({ sku, quantity }) => ({ sku, quantity })),',
    replace: 'lines: order.lines.map(({ sku }) => ({ sku, quantity: 1 })),',
    finds: /I18: .* reserved/,
    seeds: 10,
  },
  {
    name: 'one-way-of-shipping',
    why: 'everything is shipped by the standard method, whatever was paid for',
    file: 'services/orders/src/saga/checkout.ts',
    find: 'send(CreateShipmentSchema, { orderId, methodId: shippingMethodId })',
    replace: "send(CreateShipmentSchema, { orderId, methodId: shippingMethodId && 'standard' })",
    finds: /I18: .* shipped by/,
    seeds: 10,
  },
  {
    name: 'every-17th',
    why: 'a consumer silently passes over one command in seventeen; the saga asks again, and nobody notices',
    file: 'chassis/src/events/apply.ts',
    find: 'if (handled !== undefined) wanted.push(handled);',
    replace:
      "if (handled !== undefined && !(definition.name === 'inventory.orders' && record.sequence % 17n === 0n)) wanted.push(handled);",
    finds: /I13: inventory.orders did not handle/,
    seeds: 20,
  },
  {
    name: 'newest-first',
    why: "a batch is handled in the wrong order: an aggregate's later events before its earlier ones",
    file: 'chassis/src/events/rounds.ts',
    find: 'const round = seen.get(record.aggregateId) ?? 0;',
    replace: 'const round = 0;',
    world: { batchMax: 256 },
    finds: /I14: /,
    seeds: 20,
  },
  {
    name: 'key-of-another-cart',
    why: 'a key that was used for another request is answered with the earlier order',
    file: 'services/orders/src/api/place-order.ts',
    find: 'if (!found.requestHash.equals(hash)) {',
    replace: 'if (found.requestHash.length === 0) {',
    finds: /I9: .* was accepted for another cart/,
    seeds: 40,
  },
  {
    name: 'refused-its-own-order',
    why: 'of two requests with one key the second is refused, because the first has just spent the cart',
    file: 'services/orders/src/api/place-order.ts',
    find: `  error instanceof CommitUnknownError ||
  (error instanceof ConnectError && (error.code === Code.FailedPrecondition || error.code === Code.NotFound));`,
    replace: '  error instanceof CommitUnknownError;',
    finds: /I9: .* because of its own order/,
    seeds: 60,
  },
  {
    name: 'confirmed-too-early',
    why: 'an order is confirmed when the capture is asked for, not when it is done',
    file: 'services/orders/src/saga/order-change.ts',
    find: "if (from === 'CAPTURING' && to === 'ARRANGING_SHIPMENT')",
    replace: "if (from === 'COMMITTING_STOCK' && to === 'CAPTURING')",
    finds: /I17: confirmed/,
    seeds: 10,
  },
  {
    name: 'released-twice',
    why: 'a release that is repeated gives the units back again',
    file: 'services/inventory/src/domain/reservation.ts',
    find: "reservation.state === 'HELD' || reservation.state === 'COMMITTED' ? 'give-back'",
    replace: "reservation.state !== 'REFUSED' ? 'give-back'",
    finds: /I[1-4]: |stock_|UNDOING_RESERVING/,
    seeds: 40,
  },
  {
    name: 'short-hold',
    why: 'a hold ends before its time: another customer may buy what this one is paying for',
    file: 'services/inventory/src/infrastructure/reservations.ts',
    find: "where r.state = 'HELD' and r.expires_at <= now()",
    replace: "where r.state = 'HELD' and r.expires_at <= now() + interval '50 s'",
    finds: /I4: a hold expired/,
    seeds: 10,
  },
  {
    name: 'called-off-while-capturing',
    why: 'the pivot itself may still be called off: whether the money was taken is not known then',
    file: 'chassis/src/saga/decide.ts',
    find: 'return pivot >= 0 && index >= pivot;',
    replace: 'return pivot >= 0 && index > pivot;',
    world: { cancels: 0.95, callDeadlineMs: 3000 },
    finds: /I11: turned back/,
    seeds: 40,
  },
  {
    name: 'one-reason-for-all',
    why: 'the customer is told that the card was declined, whatever the provider said',
    file: 'services/orders/src/saga/checkout.ts',
    find: 'refusal(PaymentDeclinedSchema, ({ reason }) => reason)',
    replace: "refusal(PaymentDeclinedSchema, () => 'CARD_DECLINED')",
    world: { troublesomeCards: 0.9 },
    finds: /I19: ended for a reason/,
    seeds: 20,
  },
  {
    name: 'order-of-nobody',
    why: "a customer's order is stored as a guest's",
    file: 'services/orders/src/api/read-purchase.ts',
    find: 'customerId: cart.customerId || signedInCustomer(call),',
    replace: "customerId: '',",
    finds: /I19: an order belongs to another/,
    seeds: 10,
  },
  {
    name: 'pending-is-not-found',
    why: 'an order that was accepted cannot be seen until it is decided',
    file: 'services/orders/src/api/read-orders.ts',
    find: '    if (asOf === undefined) {',
    replace:
      "    if (asOf === undefined && order.status === 'PENDING') throw orderNotFound();\n    if (asOf === undefined) {",
    finds: /I19: .* is not there/,
    seeds: 20,
  },
  {
    name: 'commit-after-expiry',
    why: 'a hold that has expired, and whose units are for sale again, is committed',
    file: 'services/inventory/src/domain/reservation.ts',
    find: "return { kind: 'refused', reason: reservation.reason === 'EXPIRED' ? 'HOLD_EXPIRED' : 'NOT_HELD' };",
    replace: "return { kind: 'commit' };",
    // Customers who come back from the bank when the hold of a minute has ended, and are still waited for.
    world: { paymentActionSeconds: 70, lateChargeMs: 66_000, troublesomeCards: 0.9, cancels: 0.1 },
    finds: /I[1-4]: /,
    seeds: 60,
  },
  {
    name: 'cart-stays-spent',
    why: 'the cart of a rejected order is not opened again',
    file: 'services/cart/src/api/follow-orders.ts',
    find: 'on(OrderRejectedSchema, openCarts), ',
    replace: '',
    finds: /I16: a cart/,
    seeds: 10,
  },
  {
    name: 'cancelled-without-void',
    why: 'a payment that is called off while its authorization is under way counts as cancelled: money stays held',
    file: 'services/payments/src/domain/decide.ts',
    find: `      return [answer('Cancelled')];
    case 'PENDING':`,
    replace: `      return [answer('Cancelled')];
    case 'PENDING':
      return [answer('Cancelled')];`,
    finds: /I7: the provider still holds/,
    seeds: 40,
  },
  {
    name: 'captured-stays-captured',
    why: 'the cancellation of a captured payment is answered, and the money stays',
    file: 'services/payments/src/domain/decide.ts',
    find: "return payment.operation === 'refund' ? [raise] : [raise, begin('refund')];",
    replace: "return [answer('Cancelled')];",
    world: WITHDRAWN,
    finds: /I6: the provider kept/,
    seeds: 40,
  },
  {
    name: 'confirmed-then-rejected',
    why: 'an order that was confirmed, and cannot be shipped, is rejected instead of cancelled',
    file: 'services/orders/src/saga/order-change.ts',
    find: "const calledOff = status === 'CONFIRMED' || reason === CUSTOMER_REQUEST;",
    replace: 'const calledOff = reason === CUSTOMER_REQUEST;',
    world: WITHDRAWN,
    finds: /I10: not settled .* sagas UNDOING_/,
    seeds: 40,
  },
  {
    name: 'saga-after-commit',
    why: 'the saga is started after the order has committed: a crash between them leaves an order that nobody works on',
    file: 'services/orders/src/api/place-order.ts',
    find: 'if (starts.length > 0) await context.saga(checkout).start(tx, starts);',
    replace: `if (starts.length > 0)
      tx.afterCommit(
        () => void context.db.transact((own) => context.saga(checkout).start(own, starts)).catch(() => {}),
      );`,
    finds: /orders pending/,
    seeds: 60,
  },
];
