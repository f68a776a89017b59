import { Code, type ConnectError } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { createBoundedQueue } from '../../src/bounded-queue.ts';
import { reasonOf } from '../../src/rpc/errors.ts';

test('tasks run at most so many at once, in order, and what exceeds the queue is shed', async () => {
  const queue = createBoundedQueue({ concurrency: 2, waitingMax: 3 });
  const finish: (() => void)[] = [];
  const started: number[] = [];
  const task = (id: number) => () => {
    started.push(id);
    return new Promise<number>((resolve) => finish.push(() => resolve(id)));
  };
  const accepted = [0, 1, 2, 3, 4].map((id) => queue(task(id)));
  const shed = await queue(task(5)).catch((error: unknown) => error);
  expect(reasonOf(shed)).toBe('OVERLOADED');
  expect((shed as ConnectError).code).toBe(Code.ResourceExhausted);
  for (let id = 0; id < 5; id++) {
    await expect.poll(() => finish.length).toBeGreaterThan(id);
    expect(started.length).toBeLessThanOrEqual(id + 2);
    finish[id]?.();
  }
  expect(await Promise.all(accepted)).toEqual([0, 1, 2, 3, 4]);
  expect(started).toEqual([0, 1, 2, 3, 4]);
});

test('a caller that gives up while it waits frees its place, and a failing task frees its turn', async () => {
  const queue = createBoundedQueue({ concurrency: 1, waitingMax: 1 });
  const { promise, resolve } = Promise.withResolvers<void>();
  const running = queue(() => promise);
  const abort = new AbortController();
  const waiting = queue(async () => 'never', abort.signal);
  abort.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  const next = queue(async () => {
    throw new Error('failed');
  });
  resolve();
  await running;
  await expect(next).rejects.toThrow('failed');
  expect(await queue(async () => 'free')).toBe('free');
});
