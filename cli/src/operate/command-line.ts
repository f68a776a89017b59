// What the operator's commands share on the command line: subcommands, --json, who and why.
import { userInfo } from 'node:os';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { ConfigError } from '@stoa/chassis/config';
import type { Warrant } from './actions.ts';

/** A command line that cannot be understood: exit status 2. */
export const usage = (message: string): ConfigError => new ConfigError(message);

/** Exit statuses besides 0 and 2 (usage). */
export const EXIT = {
  /** Refused, failed, not found, or different where it should be equal. */
  failed: 1,
  /** Written down, but no service has carried it out yet. */
  waiting: 3,
} as const;

const COMMON = {
  json: { type: 'boolean', default: false },
  by: { type: 'string' },
  reason: { type: 'string' },
} as const satisfies ParseArgsOptionsConfig;

export interface Line<Values> {
  readonly values: Values;
  readonly positionals: readonly string[];
}

/** Reads options and positionals; the options that every command has come with it. */
export function readLine<const Options extends ParseArgsOptionsConfig>(args: readonly string[], options: Options) {
  return parseArgs({ args: [...args], options: { ...COMMON, ...options }, allowPositionals: true });
}

/** The positionals, all of them and no more. */
export function expectPositionals(positionals: readonly string[], ...names: readonly string[]): string[] {
  if (positionals.length !== names.length) {
    const wanted = names.length === 0 ? 'no argument' : names.join(' ');
    throw usage(`expected ${wanted}, got ${positionals.length === 0 ? 'nothing' : `"${positionals.join(' ')}"`}`);
  }
  return [...positionals];
}

/** Who and why. Whatever changes something needs a reason: somebody will ask. */
export function readWarrant({ by, reason }: { readonly by?: string; readonly reason?: string }): Warrant {
  if (reason === undefined || reason.trim() === '') throw usage('--reason is missing: say why; it is recorded');
  const who = by ?? userInfo().username;
  if (who.trim() === '') throw usage('--by must not be empty');
  return { by: who.trim(), why: reason.trim() };
}

/** "90", "90s", "15m", "2h" as seconds. */
export function readSeconds(option: string, text: string): number {
  const match = /^(\d+)(s|m|h)?$/.exec(text);
  if (match === null) throw usage(`${option}: "${text}" must be a time like 90s, 15m or 2h`);
  const unit = { s: 1, m: 60, h: 3600 }[match[2] ?? 's'] ?? 1;
  return Number(match[1]) * unit;
}

export function readSequence(text: string): bigint {
  if (!/^\d{1,18}$/.test(text) || BigInt(text) === 0n) throw usage(`"${text}" is not a sequence number`);
  return BigInt(text);
}

export type Subcommand = (args: readonly string[]) => Promise<number>;

/** Picks the subcommand; without one, the first. */
export function subcommands(name: string, known: Readonly<Record<string, Subcommand>>) {
  return async ([word, ...args]: readonly string[]): Promise<number> => {
    const found = word === undefined ? undefined : known[word];
    if (found === undefined) throw usage(`write stoa ${name} ${Object.keys(known).join(' | ')}`);
    return found(args);
  };
}
