// What starts a canary, what is read of it, and what takes it back.
import { describe, expect, test } from 'vitest';
import type { AuditReport } from '../../src/audit/report.ts';
import { newBreaches } from '../../src/canary/audit-gate.ts';
import { readCanaryOption } from '../../src/canary/option.ts';
import { type Counts, NOTHING, p95, readCounts, since } from '../../src/canary/scrape.ts';
import { type Evidence, GATES, judge, type Side } from '../../src/canary/verdict.ts';
import { createWatch } from '../../src/canary/watch.ts';

const SERVICES = ['orders', 'payments', 'bff'];
const read = (canary?: string, more: { steps?: string; stepSeconds?: string; split?: boolean } = {}) =>
  readCanaryOption({ canary, split: true, ...more }, SERVICES);

describe('--canary', () => {
  test('is a service, where its code is, and a percentage; the steps go on from there', () => {
    expect(read(undefined)).toBeUndefined();
    expect(read('orders=../next:10')).toEqual({
      service: 'orders',
      source: '../next',
      steps: [10, 25, 50, 100],
      stepSeconds: 15,
    });
    expect(read('orders=origin/next:feature:5', { steps: '5, 20,100', stepSeconds: '60' })).toEqual({
      service: 'orders',
      source: 'origin/next:feature',
      steps: [5, 20, 100],
      stepSeconds: 60,
    });
    expect(read('orders=v2:100')?.steps).toEqual([100]);
  });

  test.each([
    [read.bind(null, 'orders'), 'must be SERVICE=FOLDER_OR_GIT_REF:PERCENT'],
    [read.bind(null, 'orders=v2'), 'must be SERVICE=FOLDER_OR_GIT_REF:PERCENT'],
    [read.bind(null, 'baskets=v2:10'), 'there is no service "baskets"; there are orders, payments.'],
    [read.bind(null, 'bff=v2:10'), 'choose a service behind it'],
    [read.bind(null, 'orders=v2:0'), '"0" is not a percentage from 1 to 100'],
    [read.bind(null, 'orders=v2:ten'), '"ten" is not a percentage'],
    [read.bind(null, 'orders=v2:10', { steps: '50,25' }), '--canary-steps: "50,25" must rise'],
    [read.bind(null, 'orders=v2:10', { steps: '' }), '--canary-steps: "" is not a percentage'],
    [read.bind(null, 'orders=v2:10', { stepSeconds: '0' }), '--canary-step-seconds: "0" is not a number of seconds'],
    [read.bind(null, 'orders=v2:10', { split: false }), '--canary needs --split'],
    [read.bind(null, undefined, { steps: '5' }), '--canary-steps says nothing without --canary'],
  ])('%# that cannot be meant is refused in one sentence', (act, sentence) => {
    expect(act).toThrow(sentence);
  });
});

const EXPOSITION = `# TYPE stoa_rpc_server_seconds histogram
stoa_rpc_server_seconds_bucket{le="0.01",version="v2",service="stoa.orders.v1.OrdersService",method="GetOrder",code="ok"} 90
stoa_rpc_server_seconds_bucket{le="0.1",version="v2",service="stoa.orders.v1.OrdersService",method="GetOrder",code="ok"} 96
stoa_rpc_server_seconds_bucket{le="+Inf",version="v2",service="stoa.orders.v1.OrdersService",method="GetOrder",code="ok"} 98
stoa_rpc_server_seconds_count{version="v2",service="stoa.orders.v1.OrdersService",method="GetOrder",code="ok"} 98
stoa_rpc_server_seconds_count{version="v2",service="stoa.orders.v1.OrdersService",method="GetOrder",code="not_found"} 3
stoa_rpc_server_seconds_count{version="v2",service="stoa.orders.v1.OrdersService",method="PlaceOrder",code="internal"} 2
stoa_rpc_server_seconds_count{version="v2",service="stoa.chassis.v1.EventLogService",method="Sync",code="internal"} 50
stoa_inbox_applied_total{version="v2",consumer="orders.payments",topic="payments.events"} 7
stoa_inbox_applied_total{version="v2",consumer="cart.orders",topic="orders.events"} 9
stoa_canary_returned_total{version="v2",consumer="orders.payments",topic="payments.events"} 1
`;

describe('metrics', () => {
  const counts = readCounts(EXPOSITION, 'orders');

  test('are read of the service’s own contract and consumers; refusals are no faults', () => {
    expect(counts).toMatchObject({ calls: 103, faults: 2, applied: 7, returned: 1 });
    expect(counts.methods.get('PlaceOrder')).toEqual({ calls: 2, faults: 2 });
    expect(p95(counts)).toBe(0.1);
    expect(p95(NOTHING)).toBeUndefined();
  });

  test('are compared over the same time, and begin anew with a process', () => {
    expect(since(counts, counts)).toMatchObject({ calls: 0, faults: 0, applied: 0 });
    expect(p95(since(counts, counts))).toBeUndefined();
    expect(since({ ...counts, calls: 500 }, counts)).toBe(counts);
  });
});

describe('readings', () => {
  const counts = readCounts(EXPOSITION, 'orders');
  const later = { ...counts, calls: counts.calls + 5 };
  const at = (seconds: number, stable: Counts | undefined, canary: Counts | undefined) => ({
    stable,
    canary,
    atMs: seconds * 1000,
  });

  test('count from the first that is answered: what a version did before is not held against it', () => {
    const watch = createWatch(at(0, counts, undefined));
    expect(watch.add(at(1, counts, counts)).canary).toMatchObject({ calls: 0, faults: 0, applied: 0, returned: 0 });
    expect(watch.add(at(2, later, later))).toMatchObject({ stable: { calls: 5 }, canary: { calls: 5 } });
    expect(watch.add(at(3, undefined, undefined))).toMatchObject({ stable: { calls: 5 }, canary: { calls: 5 } });
  });

  test('tell for how long the canary is silent, while stable is not', () => {
    const watch = createWatch(at(0, counts, counts));
    const silent = (...reading: Parameters<typeof at>) => watch.add(at(...reading)).silentSeconds;
    expect(silent(1, counts, undefined)).toBe(0);
    expect(silent(9, counts, undefined)).toBe(8);
    expect(silent(10, counts, counts)).toBeUndefined();
    expect(silent(11, counts, undefined)).toBe(0);
    expect(silent(30, undefined, undefined)).toBe(0);
    expect(silent(42, counts, undefined)).toBe(12);
  });
});

const side = (more: Partial<Side> = {}): Side => ({
  calls: 100,
  faults: 0,
  methods: new Map([['PlaceOrder', { calls: 100, faults: 0 }]]),
  p95: 0.05,
  applied: 100,
  decided: 100,
  confirmed: 80,
  compensated: 20,
  ...more,
});
const evidence = (canary: Partial<Side> = {}, more: Partial<Evidence> = {}): Evidence => ({
  stable: side(),
  canary: side(canary),
  returned: 0,
  parkedOfReturned: 0,
  parkedOfCanary: 0,
  violations: [],
  ...more,
});
const calls = (count: number, faults: number) => ({ methods: new Map([['PlaceOrder', { calls: count, faults }]]) });
const why = (given: Evidence) => {
  const verdict = judge(given);
  return verdict.kind === 'bad' ? verdict.why : verdict.kind;
};

describe('a canary', () => {
  test('passes when it does as well, and waits until there is enough to say so', () => {
    expect(why(evidence())).toBe('good');
    expect(why(evidence({ calls: 5, applied: GATES.enough - 6 }))).toBe('unknown');
  });

  test('fails when one of its methods fails, more often than at the stable version', () => {
    expect(why(evidence(calls(10, 4)))).toBe('4 of its 10 PlaceOrder calls failed (stable: 0 of 100)');
    expect(why(evidence(calls(10, 2)))).toBe('good');
    expect(why(evidence(calls(4, 4)))).toBe('good');
    expect(why(evidence(calls(100, 20), { stable: side(calls(100, 18)) }))).toBe('good');
  });

  test('fails when it is slower, in proportion and in time', () => {
    expect(why(evidence({ p95: 0.5 }))).toBe('95 in 100 of its calls take up to 500 ms (stable: 50 ms)');
    expect(why(evidence({ p95: 0.25 }))).toBe('good');
    expect(why(evidence({ p95: 0.5 }, { stable: side({ p95: 0.25 }) }))).toBe('good');
  });

  test('fails when it computes an order wrong, and names it', () => {
    const violations = ['order A-1: TOTALS_DISAGREE', 'order A-2: TOTALS_DISAGREE'];
    expect(why(evidence({}, { violations }))).toBe('2 orders are wrong: order A-1: TOTALS_DISAGREE');
  });

  test('fails when fewer of its orders are confirmed, by more than chance explains', () => {
    expect(why(evidence({ confirmed: 50, compensated: 20 }))).toBe(
      '50 of 100 of its orders were confirmed (others: 80 of 100)',
    );
    expect(why(evidence({ confirmed: 72 }))).toBe('good');
    expect(why(evidence({ decided: 10, confirmed: 0, compensated: 0 }))).toBe('good');
  });

  test('fails when more of its orders turn back', () => {
    expect(why(evidence({ compensated: 60 }))).toBe('60 of 100 of its orders turned back (others: 20 of 100)');
  });

  test('fails when it gives messages back that the stable version handles, not when nobody can', () => {
    expect(why(evidence({}, { returned: 3 }))).toBe('it could not handle 3 messages that the stable version could');
    expect(why(evidence({}, { returned: 3, parkedOfReturned: 3 }))).toBe('good');
  });

  test('fails when nobody can handle what it sends, and when its process ends', () => {
    expect(why(evidence({}, { parkedOfCanary: 1 }))).toBe(
      '1 of the messages that it sent is parked: nobody can handle them',
    );
    expect(why(evidence({}, { ended: 'SIGKILL' }))).toBe('its process ended (SIGKILL)');
  });

  test('fails when it hangs, and does not pass while it says nothing', () => {
    expect(why(evidence({}, { silentSeconds: 12.3 }))).toBe(
      'it has not answered for 12 s, while the stable version did',
    );
    expect(why(evidence({}, { silentSeconds: GATES.silentSeconds }))).toBe('unknown');
    expect(why(evidence({}, { silentSeconds: 0 }))).toBe('unknown');
  });
});

describe('the audit as a gate', () => {
  const report = (...broken: number[]) =>
    ({
      invariants: broken.map((count, n) => ({
        id: `I${n}`,
        title: 'things agree',
        broken: count,
        examples: count > 0 ? [{ key: 'order 1', text: 'it does not' }] : [],
      })),
    }) as unknown as AuditReport;

  test('tells what is broken more often than before, and nothing of what was broken already', () => {
    expect(newBreaches(report(0, 2), report(0, 2))).toBeUndefined();
    expect(newBreaches(report(0, 2), report(0, 1))).toBeUndefined();
    expect(newBreaches(report(0, 2), report(1, 2))).toBe(
      'the audit finds: I0 (things agree) is broken 1 times, for example order 1: it does not',
    );
  });
});
