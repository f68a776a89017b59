import { gather } from '@stoa/chassis/gather';
import { describe, expect, it } from 'vitest';
import { virtualClock } from './virtual-clock.ts';

/** A run that ends when told to, and remembers its batches. */
function held() {
  const batches: string[][] = [];
  const ends: ((error?: unknown) => void)[] = [];
  const run = (batch: readonly string[]) =>
    new Promise<string[]>((resolve, reject) => {
      batches.push([...batch]);
      ends.push((error) => (error === undefined ? resolve(batch.map((item) => `${item}!`)) : reject(error)));
    });
  return { batches, ends, run };
}

const refusal = Object.assign(new Error('cannot be stored'), { code: '22P05' });
const locked = Object.assign(new Error('lock timeout'), { code: '55P03' });
const { clock } = virtualClock();
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('gather', () => {
  it('sends an item at once when nothing is under way', () => {
    const { batches, run } = held();
    void gather({ clock, run })('a');
    expect(batches).toEqual([['a']]);
  });

  it('sends together what came while all lanes were busy', async () => {
    const { batches, ends, run } = held();
    const submit = gather({ clock, run, lanes: 1 });
    const answers = ['a', 'b', 'c'].map(submit);
    ends[0]?.();
    await turn();
    ends[1]?.();
    expect(await Promise.all(answers)).toEqual(['a!', 'b!', 'c!']);
    expect(batches).toEqual([['a'], ['b', 'c']]);
  });

  it('opens another lane when the one under way is slow, and not before', async () => {
    const { batches, run } = held();
    const time = virtualClock();
    const submit = gather({ clock: time.clock, run });
    for (const item of ['a', 'b']) void submit(item);
    await time.pass(75);
    void submit('c');
    expect(batches).toEqual([['a']]);
    await time.pass(1);
    void submit('d');
    expect(batches).toEqual([['a'], ['b', 'c', 'd']]);
    await time.pass(1);
    void submit('e');
    expect(batches).toHaveLength(2);
  });

  it('opens another lane when more waits than one batch holds', () => {
    const { batches, run } = held();
    const submit = gather({ clock, run, batchMax: 2 });
    for (const item of ['a', 'b', 'c', 'd']) void submit(item);
    expect(batches).toEqual([['a'], ['b', 'c']]);
  });

  it('keeps items with one key apart and in order', async () => {
    const { batches, ends, run } = held();
    const submit = gather({ clock, run, lanes: 1, keyOf: (item: string) => item.slice(0, 1) });
    for (const item of ['x', 'a1', 'a2', 'b1']) void submit(item);
    for (let n = 0; n < 3; n++) {
      ends[n]?.();
      await turn();
    }
    expect(batches).toEqual([['x'], ['a1', 'b1'], ['a2']]);
  });

  /** Refuses every batch with a bad item in it. */
  function picky(error: Error) {
    const seen: string[][] = [];
    const submit = gather({
      clock,
      lanes: 1,
      async run(batch: readonly string[]) {
        seen.push([...batch]);
        await turn();
        if (batch.includes('bad')) throw error;
        return batch;
      },
    });
    const statuses = async (...items: readonly string[]) =>
      (await Promise.allSettled(items.map(submit))).map(({ status }) => status);
    return { seen, statuses };
  }

  it.each([
    ['that the database refuses', refusal],
    ['that waits for a lock in vain', locked],
  ])('lets only the item fail %s', async (_, error) => {
    const { seen, statuses } = picky(error);
    expect(await statuses('first', 'good', 'bad', 'fine')).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(seen).toEqual([['first'], ['good', 'bad', 'fine'], ['good'], ['bad'], ['fine']]);
  });

  it('does not wait for the lock of one item after the other when all are locked', async () => {
    const { seen, statuses } = picky(locked);
    await statuses('first', ...Array.from({ length: 10 }, () => 'bad'));
    expect(seen.slice(1).map(({ length }) => length)).toEqual([10, 1, 1, 1]);
  });

  it('lets only the item fail that its owner says is to blame', async () => {
    const contradiction = new Error('contradiction');
    const submit = gather({
      clock,
      lanes: 1,
      isAboutOne: (error) => error === contradiction,
      async run(batch: readonly string[]) {
        await turn();
        if (batch.includes('bad')) throw contradiction;
        return batch;
      },
    });
    const answers = await Promise.allSettled(['first', 'good', 'bad', 'fine'].map(submit));
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });

  it('repeats nothing whose outcome is unknown', async () => {
    const { batches, ends, run } = held();
    const submit = gather({ clock, run, lanes: 1 });
    const answers = ['a', 'b', 'c'].map(submit);
    ends[0]?.();
    await turn();
    ends[1]?.(new Error('Connection terminated'));
    expect((await Promise.allSettled(answers)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect(batches).toHaveLength(2);
  });
});
