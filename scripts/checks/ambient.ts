// Time, timers, randomness, the environment and raw drivers reach code through its context and from nowhere else, so
// that a simulation can drive the same code from a seed. Who may touch the real ones is listed here, with the reason.

import { type Finding, isTestCode, lineAt, type Repository, type SourceFile } from './repository.ts';

export type Thing = 'clock' | 'timers' | 'randomness' | 'environment' | 'pg' | 'nats' | 'grpc-js';

interface Allowance {
  readonly path: RegExp;
  readonly things: readonly Thing[] | 'all';
  readonly reason: string;
}

const allowances: readonly Allowance[] = [
  {
    path: /^chassis\/src\/runtime\.ts$/,
    things: ['clock', 'timers', 'randomness'],
    reason: 'the ports themselves: the one real clock, sleep and random source',
  },
  {
    path: /^mesh\/environments\/secrets\.ts$/,
    things: ['randomness'],
    reason: 'a program that makes passwords',
  },
  {
    path: /^chassis\/src\/postgres\/(pg-database|migrate|provision)\.ts$/,
    things: ['pg'],
    reason: 'the database adapter',
  },
  {
    path: /^chassis\/src\/events\/nats-(bus|acks|wire)\.ts$/,
    things: ['nats'],
    reason: 'the bus adapter',
  },
  {
    path: /^chassis\/src\/rpc\/grpc-[\w-]+\.ts$/,
    things: ['grpc-js', 'clock', 'timers'],
    reason: 'the gRPC adapters: the library takes deadlines as wall-clock times, and they yield to its I/O',
  },
  {
    path: /^chassis\/src\/host\//,
    things: ['environment', 'timers'],
    reason: 'the host owns the process: what it is given, and when it gives up waiting for its end',
  },
  { path: /\/main\.ts$/, things: ['environment'], reason: 'an entry point: hands the environment to the host' },
  { path: /^cli\/(src|bin)\//, things: 'all', reason: 'operates real processes and is never simulated' },
  { path: /^(scripts|bench|tests)\//, things: 'all', reason: 'tools around the product' },
  { path: /^vitest\.config\.ts$/, things: 'all', reason: 'a tool around the product' },
];

/** A global by itself or through globalThis, but not a property of something else. */
const global = (names: string) => `(?:(?<![\\w$.])|\\bglobalThis\\.)(?:${names})`;

const inCode: readonly { thing: Thing; pattern: RegExp; instead: string }[] = [
  {
    thing: 'clock',
    pattern: new RegExp(
      `${global('Date')}\\.now\\b|\\bnew (?:globalThis\\.)?Date\\b(?!\\s*\\(\\s*[^\\s)])|${global('performance')}\\s*[.[]|` +
        `\\bprocess\\.(?:hrtime|uptime)\\b|${global('Temporal')}\\.Now\\b`,
      'g',
    ),
    instead: 'context.clock',
  },
  {
    thing: 'timers',
    pattern: new RegExp(`${global('set(?:Timeout|Interval|Immediate)')}\\b|\\bAbortSignal\\.timeout\\b`, 'g'),
    instead: 'context.clock.sleep',
  },
  {
    thing: 'randomness',
    pattern:
      /\bMath\.random\b|\b(?:randomUUID|randomUUIDv7|randomBytes|randomInt|randomFill(?:Sync)?|getRandomValues)\b/g,
    instead: 'context.ids or context.random',
  },
  {
    thing: 'environment',
    pattern: /\bprocess\s*(?:(?:\?\.|\.)\s*env\b|(?:\?\.)?\s*\[)|\}\s*=\s*process\b/g,
    instead: 'the config that the service declares',
  },
];

const inImports: readonly { thing: Thing; pattern: RegExp; instead: string }[] = [
  { thing: 'clock', pattern: /^(node:)?perf_hooks$/, instead: 'context.clock' },
  { thing: 'timers', pattern: /^(node:)?timers(\/promises)?$/, instead: 'context.clock.sleep' },
  { thing: 'environment', pattern: /^(node:)?process$/, instead: 'the config that the service declares' },
  { thing: 'pg', pattern: /^(pg|pg-pool|pg-cursor)(\/|$)/, instead: 'context.db' },
  { thing: 'nats', pattern: /^(@nats-io\/|nats$)/, instead: 'publish, or a consumer' },
  { thing: 'grpc-js', pattern: /^@grpc\/grpc-js(\/|$)/, instead: 'context.client, or implement' },
];

export function ambientThings(repository: Repository): Finding[] {
  return repository.sources.filter(({ path }) => !isTestCode(path)).flatMap(findingsIn);
}

function findingsIn(file: SourceFile): Finding[] {
  // One for each thing and line: `import { setTimeout } from 'node:timers'` breaks the rule once.
  const findings = new Map<string, Finding>();
  const report = (thing: Thing, what: string, start: number, instead: string) => {
    if (isAllowed(file.path, thing)) return;
    const line = lineAt(file.text, start);
    findings.set(`${thing} ${line}`, { path: file.path, line, message: `${what} (${thing}): use ${instead}` });
  };
  for (const { thing, pattern, instead } of inCode) {
    for (const match of file.scan.code.matchAll(pattern)) report(thing, match[0].trim(), match.index, instead);
  }
  for (const { specifier, start } of file.imports) {
    const found = inImports.find(({ pattern }) => pattern.test(specifier));
    if (found !== undefined) report(found.thing, specifier, start, found.instead);
  }
  return [...findings.values()];
}

function isAllowed(file: string, thing: Thing): boolean {
  return allowances.some(({ path, things }) => path.test(file) && (things === 'all' || things.includes(thing)));
}
