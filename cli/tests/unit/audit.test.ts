// The audit's parts that need no database: merging sorted sources, the saga's legal moves, the report.
import { ConfigError } from '@stoa/chassis/config';
import { defineSaga, type Json } from '@stoa/chassis/saga/define';
import { BEYOND_PIVOT } from '@stoa/orders/saga/advance';
import { type CheckoutData, checkout } from '@stoa/orders/saga/checkout';
import { describe, expect, it } from 'vitest';
import { legalMoves } from '../../src/audit/invariants/legal-saga-history.ts';
import { type InvariantReport, renderAuditReport, toReport } from '../../src/audit/report.ts';
import { readSince } from '../../src/audit/since.ts';
import { type Keyed, mergeByKey } from '../../src/audit/stream.ts';

async function* inBatches(...batches: string[][]): AsyncGenerator<Keyed[]> {
  for (const keys of batches) yield keys.map((key) => ({ key }));
}

describe('merging by key', () => {
  it('meets every key once, with the rows that each source has for it, across batches', async () => {
    const met: string[] = [];
    await mergeByKey<[Keyed, Keyed, Keyed]>(
      [inBatches(['a', 'b'], ['b', 'b', 'd']), inBatches(['b'], ['c']), inBatches()],
      (key, ...groups) => void met.push(`${key} ${groups.map((group) => group.length).join('')}`),
    );
    expect(met).toEqual(['a 100', 'b 310', 'c 010', 'd 100']);
  });
});

describe('the legal moves of a saga', () => {
  const data = { lines: [], totalMinor: '0' } as unknown as CheckoutData;
  const moves = new Set(legalMoves(checkout, data).map(([from, to]) => `${from}>${to}`));

  it('start with its first state, go step by step, and end', () => {
    for (const move of ['>RESERVING', 'RESERVING>AUTHORIZING', 'ARRANGING_SHIPMENT>COMPLETED']) {
      expect(moves).toContain(move);
    }
    expect(moves).not.toContain('RESERVING>COMMITTING_STOCK');
    expect([...moves].filter((move) => /^(COMPLETED|COMPENSATED)>/.test(move))).toEqual([]);
  });

  it('turn back through every undo, never past one', () => {
    expect(moves).toContain('AUTHORIZING>UNDOING_RESERVING');
    expect(moves).toContain('COMMITTING_STOCK>UNDOING_AUTHORIZING');
    expect(moves).toContain('UNDOING_AUTHORIZING>UNDOING_RESERVING');
    expect(moves).not.toContain('COMMITTING_STOCK>UNDOING_RESERVING');
    expect(moves).not.toContain('UNDOING_AUTHORIZING>COMPENSATED');
  });

  it('know the states from which only an operator turns back', () => {
    expect(BEYOND_PIVOT.every((state) => [...moves].some((move) => move.startsWith(`${state}>UNDOING_`)))).toBe(true);
  });

  it('of a saga without steps are its end', () => {
    const empty = defineSaga<Json>({ name: 'empty', version: 1, steps: [], timeoutReason: () => '' });
    expect(legalMoves(empty, null)).toEqual([['', 'COMPLETED']]);
  });
});

const WHOLE = { settled: undefined, since: undefined, durationMs: 1 };

const one = (over: Partial<InvariantReport>): InvariantReport => ({
  id: 'I1',
  title: 'nothing is oversold',
  status: 'OK',
  checked: [{ count: 1234, what: 'SKUs' }],
  inFlight: 0,
  broken: 0,
  examples: [],
  durationMs: 1,
  ...over,
});

describe('the report', () => {
  it('is ok as long as nothing is broken, whatever is in flight', () => {
    const report = toReport([one({}), one({ id: 'I10', status: 'IN_FLIGHT', inFlight: 3 })], {
      ...WHOLE,
      durationMs: 1200,
    });
    expect(report.ok).toBe(true);
    expect(renderAuditReport(report)).toContain('all invariants hold, 3 in flight, in 1.2 s');
    expect(renderAuditReport(report)).toContain('I1    nothing is oversold  OK           1,234 SKUs');
  });

  it('names what is broken, with examples, and says how many there are', () => {
    const examples = [{ key: 'sku TEE', text: '3 promised of 2 on hand' }];
    const text = renderAuditReport(toReport([one({ status: 'BROKEN', broken: 7, examples })], WHOLE));
    expect(text).toContain('BROKEN 7');
    expect(text).toContain('        sku TEE: 3 promised of 2 on hand\n        and 6 more');
    expect(text).toContain('BROKEN: I1 (7 findings)');
  });

  it('is not ok when the shop was to come to rest and did not', () => {
    const quiet = { isQuiet: false, waitedMs: 60_000, busy: ['1 orders are in flight'] };
    const report = toReport([one({})], { ...WHOLE, settled: quiet });
    expect(report.ok).toBe(false);
    expect(renderAuditReport(report)).toContain('NOT QUIET after 60.0 s: 1 orders are in flight');
  });

  it('never calls holding what could not be checked', () => {
    const text = renderAuditReport(toReport([one({ status: 'NOT_CHECKED', checked: [] })], WHOLE));
    expect(text).toContain('nothing is oversold  NOT CHECKED');
  });
});

describe('--since', () => {
  const now = new Date('2026-11-20T12:00:00Z');

  it.each([
    ['90s', '2026-11-20T11:58:30.000Z'],
    ['30m', '2026-11-20T11:30:00.000Z'],
    ['24h', '2026-11-19T12:00:00.000Z'],
    ['7d', '2026-11-13T12:00:00.000Z'],
    ['2026-11-20', '2026-11-20T00:00:00.000Z'],
    ['2026-11-20T00:00Z', '2026-11-20T00:00:00.000Z'],
    ['2026-11-20T09:30:15.250+02:00', '2026-11-20T07:30:15.250Z'],
  ])('takes %s', (text, moment) => {
    expect(readSince(text, now).toISOString()).toBe(moment);
  });

  it.each(['', '24', '-1h', '1w', 'yesterday', '2026-13-01', '2026-11-20T00:00', '2026-11-20 00:00Z', '9999999999h'])(
    'refuses "%s" with one sentence about the command line',
    (text) => {
      expect(() => readSince(text, now)).toThrow(ConfigError);
      expect(() => readSince(text, now)).toThrow(/^--since: ".*" must be a duration like .*T00:00Z$/);
    },
  );

  it('refuses a moment that has not come', () => {
    expect(() => readSince('2026-11-20T12:00:01Z', now)).toThrow('--since: 2026-11-20T12:00:01Z has not come yet');
  });
});
