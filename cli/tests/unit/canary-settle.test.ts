// What a database is told of its canary, given Argo's status and what it knows.
import { expect, test } from 'vitest';
import { settlementOf } from '../../src/canary/settle.ts';
import type { CanaryState, RejectedCanary } from '../../src/operate/canary-row.ts';

const row = (version: string, state = 'running'): CanaryState => ({
  version,
  state,
  percent: 5,
  why: '',
  revision: '1',
});
const rejected = (version: string, state: RejectedCanary['state']): RejectedCanary => ({ version, state, why: '' });
const stable = { version: 'new', state: 'promoted', why: 'it is the stable version of its Rollout' };
const aborted = { version: 'new', state: 'rolled back', why: 'its Rollout was aborted' };

test.each([
  ['a canary at work goes on', { stableRS: 'old', currentPodHash: 'new' }, row('new'), [], undefined],
  ['promoted with --full, or made anew', { stableRS: 'new', currentPodHash: 'new' }, row('new'), [], stable],
  ['promoted, and the next one is out', { stableRS: 'new', currentPodHash: 'next' }, row('new'), [], stable],
  ['aborted', { stableRS: 'old', currentPodHash: 'new', abort: true }, row('new'), [], aborted],
  ['another one is aborted', { stableRS: 'old', currentPodHash: 'other', abort: true }, row('new'), [], undefined],
  ['told already', { stableRS: 'new', currentPodHash: 'new' }, row('new', 'promoted'), [], undefined],
  [
    'rolled back already',
    { stableRS: 'old', currentPodHash: 'new', abort: true },
    row('new', 'rolled back'),
    [],
    undefined,
  ],
  [
    'replaced before it was told',
    { stableRS: 'new', currentPodHash: 'x' },
    row('x'),
    [rejected('new', 'superseded')],
    stable,
  ],
  ['a person rejected it: his word stands', { stableRS: 'new' }, row('x'), [rejected('new', 'rolled back')], undefined],
  ['a Rollout without a status', {}, row('new'), [], undefined],
  ['no canary ever', { stableRS: 'new', currentPodHash: 'new' }, undefined, [], undefined],
])('%s', (_, rollout, state, others, settlement) => {
  expect(settlementOf(rollout, state, others)).toEqual(settlement);
});
