// The limits that stand before hashing: buckets, delays and the gate.
import { Code, type ConnectError } from '@connectrpc/connect';
import { reasonOf } from '@stoa/chassis/rpc/errors';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ACCOUNT_POLICY, delaySchedule, PEER_POLICY } from '../../src/domain/throttle.ts';
import { fullBucket, takeToken } from '../../src/domain/token-bucket.ts';
import { createAttemptGate } from '../../src/infrastructure/attempt-gate.ts';
import { steppedClock } from './fixtures.ts';

test('a bucket never lets through more than its capacity and what was refilled', () => {
  const policy = { capacity: 5, perSecond: 2 };
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 1000 }), { maxLength: 200 }), (steps) => {
      let bucket = fullBucket(policy, 0);
      let nowMs = 0;
      let latestMs = 0;
      let taken = 0;
      for (const step of steps) {
        nowMs += step;
        latestMs = Math.max(latestMs, nowMs);
        const decision = takeToken(policy, bucket, nowMs);
        bucket = decision.bucket;
        if (decision.taken) taken++;
      }
      expect(taken).toBeLessThanOrEqual(policy.capacity + (latestMs * policy.perSecond) / 1000 + 1e-6);
    }),
  );
});

test('after the wait that a refusal names, the next call succeeds', () => {
  const policy = { capacity: 1, perSecond: 3 };
  const first = takeToken(policy, fullBucket(policy, 0), 0);
  const refused = takeToken(policy, first.bucket, 10);
  expect(refused.taken).toBe(false);
  expect(takeToken(policy, refused.bucket, 10 + refused.waitMs).taken).toBe(true);
});

test('attempts are free at first, then the delay doubles up to its bound', () => {
  expect(delaySchedule(PEER_POLICY)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60]);
  expect(delaySchedule(ACCOUNT_POLICY).slice(19)).toEqual([0, 0.5, 1, 2, 4, 5]);
});

test('nobody is ever locked out: no delay exceeds a minute', () => {
  for (const policy of [PEER_POLICY, ACCOUNT_POLICY]) {
    expect(Math.max(...delaySchedule(policy))).toBeLessThanOrEqual(60);
  }
});

function attemptsLetThrough(attempt: () => void, times: number): number {
  let passed = 0;
  for (let index = 0; index < times; index++) {
    try {
      attempt();
      passed++;
    } catch (error) {
      expect(reasonOf(error)).toBe('TOO_MANY_ATTEMPTS');
      expect((error as ConnectError).code).toBe(Code.ResourceExhausted);
    }
  }
  return passed;
}

test('a peer that is too fast is refused and does not use up what others share', () => {
  const clock = steppedClock();
  const gate = createAttemptGate(clock, 10);
  expect(attemptsLetThrough(() => gate.enter('192.0.2.1'), 500)).toBe(20);
  expect(attemptsLetThrough(() => gate.enter('192.0.2.2'), 500)).toBe(20);
  clock.advance(3000);
  expect(attemptsLetThrough(() => gate.enter('192.0.2.1'), 500)).toBe(3);
});

test('a peer that succeeds is not slowed, and succeeding earns it nothing', () => {
  const gate = createAttemptGate(steppedClock(), 1000);
  const succeed = () => {
    gate.enter('192.0.2.1');
    gate.succeed('192.0.2.1');
  };
  expect(attemptsLetThrough(succeed, 200)).toBe(200);
  for (let time = 0; time < 50; time++) gate.succeed('192.0.2.1');
  expect(attemptsLetThrough(() => gate.enter('192.0.2.1'), 500)).toBe(20);
});

test('all peers together cannot exceed the rate of the process', () => {
  const gate = createAttemptGate(steppedClock(), 10);
  let peer = 0;
  expect(attemptsLetThrough(() => gate.enter(`peer-${peer++}`), 500)).toBe(40);
});
