import { describe, expect, it } from 'vitest';
import { ambientThings } from '../../../scripts/checks/ambient.ts';
import { places } from './sample.ts';

const path = 'services/cart/src/api/handlers.ts';

describe('no ambient time, randomness or drivers', () => {
  it.each([
    'const at = Date.now();',
    'const clock = { now: Date.now };',
    'const at = new Date();',
    'const at = new Date;',
    'const at = new Date( /* now */ );',
    'const at = globalThis.Date.now();',
    'const ms = performance.now();',
    'const ns = process.hrtime.bigint();',
    'setTimeout(done, 10);',
    'globalThis.setInterval(tick, 10);',
    'const later = setImmediate;',
    'const signal = AbortSignal.timeout(10);',
    "import { setTimeout as sleep } from 'node:timers/promises';",
    "import { performance as watch } from 'node:perf_hooks';",
    'const n = Math.random();',
    'const id = crypto.randomUUID();',
    "import { randomUUID } from 'node:crypto';",
    'const bytes = randomBytes(16);',
    'const n = randomInt(6);',
    'crypto.getRandomValues(bytes);',
    'const url = process.env.URL;',
    "const url = process['env'].URL;",
    'const { env } = process;',
    "import { env } from 'node:process';",
    "import pg from 'pg';",
    "import { connect } from '@nats-io/transport-node';",
    "import * as grpc from '@grpc/grpc-js';",
    'const text = `${Date.now()}`;',
  ])('refuses %j', (text) => {
    expect(places(ambientThings, path, text)).toEqual([`${path}:1`]);
  });

  it.each([
    'const at = new Date(row.created_at);',
    'const at = new Date(0);',
    "const at = new Date('2026-01-01');",
    'const at = context.clock.now();',
    'schedule.setTimeout(10);',
    '// Date.now() would not do: Math.random()',
    "const text = 'Date.now()';",
    'const at = new DateRange();',
    'const report = audit.performance.total;',
    "import { createHash } from 'node:crypto';",
    "import pgFormat from 'pg-format-like';",
  ])('lets pass %j', (text) => {
    expect(places(ambientThings, path, text)).toEqual([]);
  });

  it.each([
    ['the ports', 'chassis/src/runtime.ts', 'setTimeout(done, Date.now() + randomInt(2));'],
    ['the database adapter', 'chassis/src/postgres/pg-database.ts', "import pg from 'pg';"],
    ['the bus adapter', 'chassis/src/events/nats-bus.ts', "import '@nats-io/jetstream';"],
    ['a gRPC adapter', 'chassis/src/rpc/grpc-server.ts', "import '@grpc/grpc-js';"],
    ['the host', 'chassis/src/host/host.ts', 'process.env.PORT;'],
    ['an entry point', 'services/cart/src/main.ts', 'process.env.PORT;'],
    ['the command', 'cli/src/demo.ts', 'Date.now();'],
    ['tests', 'services/cart/tests/unit/a.test.ts', 'Date.now();'],
  ])('allows it to %s', (_, file, text) => {
    expect(places(ambientThings, file, text)).toEqual([]);
  });

  it.each([
    ['a driver beside the adapter', 'chassis/src/postgres/other.ts', "import pg from 'pg';"],
    ['another driver in an adapter', 'chassis/src/rpc/grpc-server.ts', "import pg from 'pg';"],
    ['the environment in an adapter', 'chassis/src/postgres/pg-database.ts', 'process.env.PGHOST;'],
    ['a timer in an adapter', 'chassis/src/events/nats-bus.ts', 'setTimeout(done, 10);'],
    ['the clock in an entry point', 'services/cart/src/main.ts', 'Date.now();'],
    ['a driver in the ports', 'chassis/src/runtime.ts', "import '@nats-io/jetstream';"],
  ])('refuses %s', (_, file, text) => {
    expect(places(ambientThings, file, text)).toEqual([`${file}:1`]);
  });
});
