import { createFailpoints, NO_FAILPOINTS } from '@stoa/chassis/failpoint';
import { afterEach, expect, test, vi } from 'vitest';
import { virtualClock } from './virtual-clock.ts';

const { clock, asked, pass } = virtualClock();
const points = (text: string) => createFailpoints(text, clock);

afterEach(() => vi.restoreAllMocks());

test('without any nothing happens', () => {
  for (const none of [NO_FAILPOINTS, points(''), points('none')]) expect(none.hit('outbox.after_ack')).toBeUndefined();
});

test('one acts at its moment and at no other', () => {
  const failpoints = points('saga.CAPTURING=throw');
  expect(() => failpoints.hit('saga.CAPTURING')).toThrow('failpoint saga.CAPTURING');
  expect(() => failpoints.hit('saga.CAPTURING')).toThrow();
  expect(failpoints.hit('saga.RESERVING')).toBeUndefined();
});

test('one with a hit acts at that hit alone', () => {
  const failpoints = points('a=throw@3');
  for (const acts of [false, false, true, false, false]) {
    if (acts) expect(() => failpoints.hit('a')).toThrow('failpoint a');
    else expect(failpoints.hit('a')).toBeUndefined();
  }
});

test('one may delay', async () => {
  const delayed = points('a=delay:500').hit('a');
  expect(delayed).toBeInstanceOf(Promise);
  await pass(500);
  await delayed;
  expect(asked).toEqual([500]);
});

test('one may kill or stop the process', () => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  const failpoints = points('a=kill; b=stop@1');
  void failpoints.hit('a');
  void failpoints.hit('b');
  expect(kill.mock.calls).toEqual([
    [process.pid, 'SIGKILL'],
    [process.pid, 'SIGSTOP'],
  ]);
});

test('they can be replaced while the process runs; what cannot be read changes nothing', () => {
  const failpoints = points('a=throw');
  expect(() => failpoints.set('b=explode')).toThrow('cannot read "b=explode"');
  expect(() => failpoints.hit('a')).toThrow('failpoint a');
  failpoints.set('b=throw');
  expect(failpoints.hit('a')).toBeUndefined();
  expect(() => failpoints.hit('b')).toThrow('failpoint b');
  failpoints.set('none');
  expect(failpoints.hit('b')).toBeUndefined();
});

test.each(['a', 'a=', 'a=explode', 'a=kill@x', 'a=delay:soon', '=kill', 'a=kill;;b=kill'])(
  '%o cannot be read, and the entry is named',
  (text) => {
    expect(() => points(text)).toThrow('write name=kill|stop|throw|delay[:ms][@hit]');
  },
);
