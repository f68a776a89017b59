// Bugs of what all services share: the order of events, their delivery, sagas, money's arithmetic.
import type { Bug } from './bug.ts';

export const CHASSIS_BUGS: readonly Bug[] = [
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
    seeds: 80,
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
];
