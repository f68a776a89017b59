import { createHistory } from '@stoa/chassis/events/history';
import { createLog } from '@stoa/chassis/log';
import { describe, expect, it } from 'vitest';

function open() {
  const entered: number[] = [];
  const history = createHistory({
    clock: { monotonicMs: () => 0, now: () => new Date(0), sleep: async () => {} },
    log: createLog('silent'),
    labels: { consumer: 'catalog.levels', topic: 'inventory.stock-events' },
    onEpoch: (epoch) => entered.push(epoch),
  });
  return { history, entered };
}

describe("the producer's history", () => {
  it('does not go back to an epoch that had ended before the answer about it came', () => {
    const { history, entered } = open();
    history.learn(1, 3n);
    history.asking();
    history.learn(2, 4n);
    expect(history.answered({ epoch: 1, head: 3n, consistent: true })).toBe(false);
    expect([history.epoch(), history.head()]).toEqual([2, 4n]);
    expect(entered).toEqual([1, 2]);
    expect(history.askInMs({ epoch: 1, seq: 3n, lastEventId: 'e' })).toBeLessThanOrEqual(0);
  });

  it('goes back when the producer says so of now', () => {
    const { history } = open();
    history.learn(2, 4n);
    history.asking();
    expect(history.answered({ epoch: 1, head: 3n, consistent: true })).toBe(true);
    expect([history.epoch(), history.head()]).toEqual([1, 3n]);
  });
});
