// What is counted of messages that go through a canary's table.
import { createMetrics } from '@stoa/chassis/metrics';
import { sql } from '@stoa/chassis/postgres/sql';
import { expect, test } from 'vitest';
import { openPipe } from './pipe.ts';

const patience = { timeout: 20_000, interval: 20 };

test('a message that was handed over counts where it is applied, once', async () => {
  const pipe = await openPipe();
  const metrics = createMetrics({ processMetrics: false });
  const counted = async () => /^stoa_inbox_applied_total\{.*\} (\d+)$/m.exec(await metrics.text())?.[1];
  await pipe.inbox.run(sql`insert into canary (version, percent, state) values ('v2', 100, 'running')`);
  await pipe.inbox.run(sql`
    insert into canary_lane (consumer, topic, owner, lease_until)
    values ('catalog.levels', 'inventory.stock-events', 'canary v2', now() + interval '1 hour')`);
  pipe.startWorker({ metrics });
  await expect.poll(() => pipe.broker.listening(), patience).toBe(1);
  pipe.broker.deliver(1, ...(await pipe.publish(3)));
  await expect.poll(async () => (await pipe.watermark())?.seq, patience).toBe(3n);
  expect(await counted()).toBeUndefined();

  await pipe.inbox.run(sql`update canary set state = 'rolled back'`);
  await expect.poll(async () => (await pipe.applied()).length, patience).toBe(3);
  await expect.poll(counted, patience).toBe('3');
  await pipe.close();
});
