// Consumers that nobody waits for let messages gather.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { expectApplied, expectListening, idsOf, openPipe, type Pipe } from './pipe.ts';

let pipe: Pipe;
beforeEach(async () => {
  pipe = await openPipe();
});
afterEach(() => pipe.close());

/** On the pipe's clock, which is quick: longer than a test lasts. */
const FOR_EVER = 3_600_000;
/** In which a consumer without a pace applies what has come. */
const A_MOMENT = 200;

test('the first goes at once, those after it wait until they fill a batch', async () => {
  const [first, second, ...others] = await pipe.publish(4);
  if (first === undefined || second === undefined) throw new Error('four were published');
  pipe.startWorker({ paceMs: FOR_EVER, batchMax: 3 });
  await expectListening(pipe, 1);
  pipe.broker.deliver(1, first);
  await expectApplied(pipe, idsOf([first]));
  pipe.broker.deliver(1, second);
  await sleep(A_MOMENT);
  pipe.broker.deliver(1, ...others);
  await expectApplied(pipe, idsOf([first, second, ...others]));
  expect(pipe.batches).toEqual([1, 3]);
});

test('what waits is applied when the pace says so', async () => {
  const records = await pipe.publish(3);
  pipe.startWorker({ paceMs: 4000 });
  await expectListening(pipe, 1);
  for (const record of records) {
    pipe.broker.deliver(1, record);
    await sleep(1);
  }
  await expectApplied(pipe, idsOf(records));
});
