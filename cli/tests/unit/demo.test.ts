// The demo's parts that need no shop: what is bought, what is counted, and how a careful client behaves.
import { describe, expect, it } from 'vitest';
import { contradiction } from '../../src/demo/demo.ts';
import { createFollower } from '../../src/demo/follow.ts';
import { type Failure, type Result, readAnswer } from '../../src/demo/graphql.ts';
import { pauseMs, withPatience } from '../../src/demo/patience.ts';
import { percentile, summarize } from '../../src/demo/percentiles.ts';
import { planPurchase } from '../../src/demo/plan.ts';
import { progressLine } from '../../src/demo/progress.ts';
import { renderDemoReport } from '../../src/demo/report-text.ts';
import type { Order } from '../../src/demo/storefront.ts';
import { createTally } from '../../src/demo/tally.ts';

describe('percentiles', () => {
  it('are values that were measured, by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => n + 1);
    expect(percentile(hundred, 50)).toBe(50);
    expect(percentile(hundred, 95)).toBe(95);
    expect(percentile(hundred, 99)).toBe(99);
    expect(percentile([7], 50)).toBe(7);
    expect(percentile([1, 2], 99)).toBe(2);
  });

  it('do not depend on the order of the values, nor change it', () => {
    const values = [30, 10.4, 20];
    expect(summarize(values)).toEqual({ p50: 20, p95: 30, p99: 30, max: 30 });
    expect(values).toEqual([30, 10.4, 20]);
  });

  it('of nothing are undefined', () => {
    expect(summarize([])).toBeUndefined();
  });
});

describe('the plan', () => {
  const plans = Array.from({ length: 2000 }, (_, index) => planPurchase(7, index, 5));
  const share = (is: (plan: (typeof plans)[number]) => boolean) => plans.filter(is).length / plans.length;

  it('is the same for the same seed, whatever else was planned before', () => {
    const { draw: _, ...plan } = planPurchase(7, 1234, 5);
    const { draw: __, ...again } = plans[1234] as (typeof plans)[number];
    expect(plan).toEqual(again);
    expect(planPurchase(8, 1234, 5).address).not.toEqual(planPurchase(7, 1234, 5).address);
  });

  it('has about as many declined cards and repeated requests as it promises', () => {
    expect(share(({ card }) => /FUNDS|DECLINED|AUTHENTICATION/.test(card.rejectedFor ?? ''))).toBeCloseTo(0.08, 1);
    expect(share(({ repetition }) => repetition !== 'none')).toBeCloseTo(0.05, 1);
    expect(share(({ customer }) => customer !== undefined)).toBeCloseTo(0.4, 1);
    expect(new Set(plans.map(({ lineCount }) => lineCount))).toEqual(new Set([1, 2, 3]));
  });

  it('has guests only when nobody is registered', () => {
    expect(planPurchase(7, 1, 0).customer).toBeUndefined();
  });
});

describe('an answer', () => {
  it('with errors carries the code, and says whether to try again', () => {
    const errors = [{ message: 'later', extensions: { code: 'UNAVAILABLE', traceId: 'abc' } }];
    const failure = { ok: false, code: 'UNAVAILABLE', message: 'later', retryable: true, traceId: 'abc' };
    expect(readAnswer(200, JSON.stringify({ errors, data: null }))).toEqual(failure);
    const forbidden = JSON.stringify({ errors: [{ message: 'no', extensions: { code: 'FORBIDDEN' } }] });
    expect(readAnswer(200, forbidden)).toMatchObject({ code: 'FORBIDDEN', retryable: false });
  });

  it('that is no GraphQL is told by its status', () => {
    expect(readAnswer(502, '<html>')).toMatchObject({ ok: false, code: 'HTTP_502', retryable: true });
    expect(readAnswer(404, '')).toMatchObject({ ok: false, code: 'HTTP_404', retryable: false });
  });
});

describe('patience', () => {
  const failing = (code: string, retryable: boolean): Failure => ({ ok: false, code, message: '', retryable });

  it('repeats until there is an answer', async () => {
    const answers: Result<{ id: string }>[] = [
      failing('TRANSPORT', true),
      failing('HTTP_503', true),
      { ok: true, id: 'x' },
    ];
    const retried: string[] = [];
    const onRetry = ({ code }: Failure) => void retried.push(code);
    const request = async () => answers.shift() as Result<{ id: string }>;
    expect(await withPatience(request, { limitMs: 5000, onRetry })).toEqual({ ok: true, id: 'x' });
    expect(retried).toEqual(['TRANSPORT', 'HTTP_503']);
  });

  it('takes a refusal for an answer', async () => {
    let asked = 0;
    const request = async () => {
      asked++;
      return failing('KEY_REUSED', false);
    };
    expect(await withPatience(request, { limitMs: 5000 })).toMatchObject({ code: 'KEY_REUSED' });
    expect(asked).toBe(1);
  });

  it('ends', async () => {
    const request = async () => failing('TRANSPORT', true);
    expect(await withPatience(request, { limitMs: 150 })).toMatchObject({ code: 'TRANSPORT' });
    expect([0, 1, 2, 9, 500].map(pauseMs)).toEqual([100, 200, 400, 3000, 3000]);
  });
});

const order = (id: string, version: number, status: Order['status']): Order => ({
  id,
  number: id,
  version,
  status,
  reason: null,
  trackingNumber: null,
  totals: { total: { currency: 'EUR', minor: '1' } },
});

describe('following orders', () => {
  it('goes on through outages until each order is decided', async () => {
    const tally = createTally();
    let round = 0;
    const orders = async (tickets: readonly { id: string }[]): Promise<Result<{ orders: (Order | null)[] }>> => {
      round++;
      if (round === 1) return { ok: false, code: 'TRANSPORT', message: 'gone', retryable: true };
      return { ok: true, orders: tickets.map(({ id }) => order(id, round, round > 2 ? 'CONFIRMED' : 'PENDING')) };
    };
    const follower = createFollower({ orders }, tally, 10_000);
    const decided = await Promise.all(['a', 'b'].map((id) => follower.follow({ id, accessToken: '' })));
    await follower.stop();
    expect(decided.map((each) => each?.status)).toEqual(['CONFIRMED', 'CONFIRMED']);
    expect(tally.counts.retried).toBe(1);
    expect(tally.report('', 1).disagreements).toEqual([]);
  });

  it('notices an order that goes back or goes away, and one that never ends', async () => {
    const tally = createTally();
    const answers = [order('a', 2, 'PENDING'), order('a', 1, 'PENDING'), null];
    const orders = async () => ({ ok: true as const, orders: [answers.length > 1 ? (answers.shift() ?? null) : null] });
    const follower = createFollower({ orders }, tally, 200);
    expect(await follower.follow({ id: 'a', accessToken: '' })).toBeUndefined();
    await follower.stop();
    const { disagreements } = tally.report('', 1);
    expect(disagreements[0]).toBe('order a went back from version 2 to 1');
    expect(disagreements[1]).toBe('order a was accepted and then could not be found');
  });
});

describe('an outcome', () => {
  it('contradicts a card that cannot pay, or can', () => {
    const declined = { token: 'tok_decline', rejectedFor: 'CARD_DECLINED' };
    const approved = { token: 'tok_approve' };
    expect(contradiction({ status: 'CONFIRMED', reason: null }, declined)).toContain('cannot pay');
    expect(contradiction({ status: 'REJECTED', reason: 'CARD_DECLINED' }, approved)).toContain('CARD_DECLINED');
    expect(contradiction({ status: 'CANCELLED', reason: 'UNKNOWN_METHOD' }, approved)).toContain('nobody asked');
    expect(contradiction({ status: 'REJECTED', reason: 'CARD_DECLINED' }, declined)).toBeUndefined();
    expect(contradiction({ status: 'REJECTED', reason: 'INSUFFICIENT_STOCK' }, approved)).toBeUndefined();
    expect(contradiction({ status: 'REJECTED', reason: 'AUTHORIZING_TIMED_OUT' }, approved)).toBeUndefined();
    expect(contradiction({ status: 'CONFIRMED', reason: null }, approved)).toBeUndefined();
  });
});

describe('the report', () => {
  it('is not ok when an order never ended or two answers disagree, whatever else went well', () => {
    const unfinished = createTally();
    unfinished.neverFinished('order-1');
    const disagreeing = createTally();
    disagreeing.disagree('one key, two orders: a and b');
    const refused = createTally();
    refused.fail({ code: 'INTERNAL', message: 'oops' });
    expect([unfinished, disagreeing, refused, createTally()].map((tally) => tally.report('', 1).ok)).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(renderDemoReport(unfinished.report('', 1))).toContain('NOT FINISHED (1)\n  order-1');
    expect(renderDemoReport(disagreeing.report('', 1))).toContain('DISAGREEMENT (1)\n  one key, two orders: a and b');
    expect(renderDemoReport(refused.report('', 1))).toContain('1 x INTERNAL: oops');
  });

  it('tells rejections by reason, the most frequent first', () => {
    const tally = createTally();
    tally.acceptedAfter(12.4);
    for (const reason of ['A', 'B', 'B']) tally.rejectedFor(reason);
    const report = tally.report('http://shop', 3);
    expect(report).toMatchObject({ accepted: 1, rejected: { B: 2, A: 1 }, seed: 3, acceptedMs: { p50: 12 } });
    expect(report.confirmedMs).toBeUndefined();
    expect(renderDemoReport(report)).toContain('rejected           3  B 2, A 1');
  });

  it('grows a bar while it goes on', () => {
    const tally = createTally();
    tally.confirmedAfter(1);
    expect(progressLine(4, 1, tally)).toBe('[######..................] 1/4  0 accepted, 1 confirmed, 0 rejected');
    expect(progressLine(4, 4, tally)).toMatch(/^\[#{24}\] 4\/4/);
  });
});
