// The load generator's process: takes one order at a time over IPC and answers with what it saw.
import type { LoadOrder, LoadResult } from '../lib/load.ts';
import { openClient, Refused } from './client.ts';
import { SCENARIOS } from './scenarios.ts';

async function run(order: LoadOrder): Promise<LoadResult> {
  const { scenario: name, url, concurrency, seconds = Infinity, count = Infinity, given = {} } = order;
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
  const client = openClient(url, concurrency);
  const latencies: Record<string, number[]> = {};
  const codes: Record<string, number> = {};
  const note = (moment: string, ms: number) => {
    latencies[moment] ??= [];
    latencies[moment].push(ms);
  };
  const tally = (code: string) => {
    codes[code] = (codes[code] ?? 0) + 1;
  };
  let [begun, done, failed] = [0, 0, 0];
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  const shopper = async () => {
    while (begun < count && performance.now() < endsAt) {
      const beganAt = performance.now();
      try {
        await scenario({ client, given, n: begun++, note, count: tally });
        note('whole', performance.now() - beganAt);
        done += 1;
      } catch (error) {
        failed += 1;
        tally(error instanceof Refused ? error.code : String((error as Error).message));
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, shopper));
  const elapsed = (performance.now() - startedAt) / 1000;
  await client.close();
  return { done, failed, seconds: elapsed, latencies, codes };
}

process.on('message', (order) => {
  run(order as LoadOrder).then(
    (result) => process.send?.(result),
    (error) => process.send?.({ error: String((error as Error).stack) }),
  );
});
process.on('disconnect', () => process.exit());
