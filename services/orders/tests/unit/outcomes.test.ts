import type { Clock } from '@stoa/chassis/runtime';
import { expect, test } from 'vitest';
import { createOutcomes } from '../../src/api/outcomes.ts';

/** A clock that stands still: a sleep ends when the test says so, or by its signal. */
function stoppedClock() {
  const sleepers = new Set<() => void>();
  const clock: Clock = {
    now: () => new Date(0),
    monotonicMs: () => 0,
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        const end = () => {
          sleepers.delete(end);
          resolve();
        };
        sleepers.add(end);
        signal?.addEventListener('abort', end);
      }),
  };
  return { clock, sleepers, passTime: () => [...sleepers].forEach((end) => void end()) };
}

const never = new AbortController().signal;

test('whoever waits for an order is woken when it is told of, and nobody else', async () => {
  const { clock, sleepers } = stoppedClock();
  const outcomes = createOutcomes(clock);
  const both = [outcomes.wait('a', 1000, never), outcomes.wait('a', 1000, never)];
  const other = outcomes.wait('b', 1000, never);
  outcomes.tell('a');
  await Promise.all(both);
  expect(sleepers.size).toBe(1);
  outcomes.tell('b');
  await other;
});

test('a waiter gives up when its time has passed or its caller has gone', async () => {
  const { clock, sleepers, passTime } = stoppedClock();
  const outcomes = createOutcomes(clock);
  const patient = outcomes.wait('a', 1000, never);
  passTime();
  await patient;
  const gone = new AbortController();
  const left = outcomes.wait('a', 1000, gone.signal);
  gone.abort();
  await left;
  expect(sleepers.size).toBe(0);
});

test('telling of an order for which nobody waits does nothing', () => {
  expect(() => createOutcomes(stoppedClock().clock).tell('a')).not.toThrow();
});
