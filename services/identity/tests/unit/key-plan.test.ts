// Which key signs and when a new one is due.
import { expect, test } from 'vitest';
import { planKeys } from '../../src/domain/key-plan.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const POLICY = { rotateAfterMs: 90 * DAY_MS, tokenLifeMs: 10 * MINUTE_MS };
const START = new Date('2026-01-01T00:00:00Z');
const after = (ms: number) => new Date(START.getTime() + ms);

test('without a key, one is made that signs at once', () => {
  expect(planKeys([], START, POLICY)).toEqual({ signing: undefined, create: START, retired: [] });
});

test('a young key signs and nothing is made', () => {
  const plan = planKeys([{ kid: 'a', activeFrom: START }], after(DAY_MS), POLICY);
  expect(plan).toEqual({ signing: 'a', create: undefined, retired: [] });
});

test('the next key is published ten minutes before it signs, and is made only once', () => {
  const old = { kid: 'a', activeFrom: START };
  const due = after(90 * DAY_MS);
  const plan = planKeys([old], due, POLICY);
  expect(plan).toEqual({ signing: 'a', create: after(90 * DAY_MS + 10 * MINUTE_MS), retired: [] });
  const both = [old, { kid: 'b', activeFrom: plan.create as Date }];
  expect(planKeys(both, due, POLICY)).toEqual({ signing: 'a', create: undefined, retired: [] });
  expect(planKeys(both, after(90 * DAY_MS + 10 * MINUTE_MS), POLICY).signing).toBe('b');
});

test('when the key that signs was deleted, one is made that signs at once, although the next is published', () => {
  const next = { kid: 'b', activeFrom: after(MINUTE_MS) };
  expect(planKeys([next], START, POLICY)).toEqual({ signing: undefined, create: START, retired: [] });
});

test('a replaced key verifies until the last token it signed has expired', () => {
  const keys = [
    { kid: 'a', activeFrom: START },
    { kid: 'b', activeFrom: after(90 * DAY_MS) },
  ];
  expect(planKeys(keys, after(90 * DAY_MS + 20 * MINUTE_MS), POLICY).retired).toEqual([]);
  expect(planKeys(keys, after(90 * DAY_MS + 20 * MINUTE_MS + 1), POLICY).retired).toEqual(['a']);
});

test('every replica chooses the same key, in whatever order it reads them', () => {
  const keys = ['c', 'a', 'b'].map((kid) => ({ kid, activeFrom: START }));
  expect(planKeys(keys, START, POLICY).signing).toBe(planKeys(keys.toReversed(), START, POLICY).signing);
});
