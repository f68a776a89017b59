// Group commit: what is there when the writer is free goes together.
import { expect, test } from 'vitest';
import { groupCommit } from '../../src/infrastructure/group-commit.ts';

function recording(options: { batchMax?: number; fail?: (batch: readonly string[]) => boolean } = {}) {
  const batches: string[][] = [];
  const submit = groupCommit({
    keyOf: (item: string) => item.slice(0, 1),
    batchMax: options.batchMax ?? 100,
    commit: async (batch) => {
      batches.push([...batch]);
      await new Promise((resolve) => setImmediate(resolve));
      if (options.fail?.(batch)) throw new Error('lost');
      return batch.map((item) =>
        item.endsWith('!') ? { ok: false, error: new Error(item) } : { ok: true, result: item.toUpperCase() },
      );
    },
  });
  return { batches, submit };
}

test('what is submitted in one turn is one batch, and each gets its own result', async () => {
  const { batches, submit } = recording();
  expect(await Promise.all(['a', 'b', 'c'].map(submit))).toEqual(['A', 'B', 'C']);
  expect(batches).toEqual([['a', 'b', 'c']]);
});

test('what arrives during a commit goes together in the next', async () => {
  const { batches, submit } = recording();
  const first = submit('a');
  await Promise.resolve().then(() => undefined);
  await Promise.all([first, submit('b'), submit('c')]);
  expect(batches).toEqual([['a'], ['b', 'c']]);
});

test('items of one key never share a batch and keep their order', async () => {
  const { batches, submit } = recording();
  await Promise.all(['a1', 'a2', 'b1', 'a3'].map(submit));
  expect(batches).toEqual([['a1', 'b1'], ['a2'], ['a3']]);
});

test('a batch has a bound', async () => {
  const { batches, submit } = recording({ batchMax: 2 });
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map(submit));
  expect(batches).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
});

test('a batch that fails fails its items only, and the next goes on', async () => {
  const { submit } = recording({ batchMax: 1, fail: (batch) => batch[0] === 'a' });
  const results = await Promise.allSettled(['a', 'b'].map(submit));
  expect(results.map((result) => result.status)).toEqual(['rejected', 'fulfilled']);
  expect(await submit('c')).toBe('C');
});

test('an item that fails alone fails nobody else', async () => {
  const { submit } = recording();
  const results = await Promise.allSettled(['a', 'b!', 'c'].map(submit));
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});
