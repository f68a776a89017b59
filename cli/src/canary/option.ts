// What `--canary` and its companions say. Pure; every mistake is one sentence.
import { ConfigError } from '@stoa/chassis/config';

export interface CanaryOption {
  readonly service: string;
  /** A folder or a git ref. */
  readonly source: string;
  /** Percent of calls and of aggregates, one after the other, rising. */
  readonly steps: readonly number[];
  /** A step lasts at least so long, and until there is enough to judge. */
  readonly stepSeconds: number;
}

export interface CanaryFlags {
  readonly canary?: string | undefined;
  readonly steps?: string | undefined;
  readonly stepSeconds?: string | undefined;
  readonly split: boolean;
}

const USUAL_STEPS = [25, 50, 100];
const STEP_SECONDS = 15;
const EXAMPLE = '--canary orders=../stoa-next:10';
/** Without a database it has no share of events, and its calls come by HTTP, which nothing here splits. */
const EDGE = 'bff';

const wrong = (what: string) => new ConfigError(`--canary${what}`);

/** Undefined when no canary is asked for; throws a ConfigError that says what is wrong. */
export function readCanaryOption(flags: CanaryFlags, services: readonly string[]): CanaryOption | undefined {
  const { canary, split } = flags;
  if (canary === undefined) {
    if (flags.steps !== undefined) throw wrong('-steps says nothing without --canary.');
    if (flags.stepSeconds !== undefined) throw wrong('-step-seconds says nothing without --canary.');
    return undefined;
  }
  const match = /^([^=]*)=(.+):([^:]*)$/.exec(canary);
  if (match === null) throw wrong(`: "${canary}" must be SERVICE=FOLDER_OR_GIT_REF:PERCENT, for example ${EXAMPLE}.`);
  const [, service = '', source = '', percent = ''] = match;
  if (!services.includes(service)) {
    throw wrong(
      `: there is no service "${service}"; there are ${services.filter((name) => name !== EDGE).join(', ')}.`,
    );
  }
  if (service === EDGE) throw wrong(': the bff answers HTTP, which is not split here; choose a service behind it.');
  if (!split) throw wrong(' needs --split: two versions of a service are two processes.');
  const first = readPercent('', percent);
  return { service, source, steps: readSteps(first, flags.steps), stepSeconds: readStepSeconds(flags.stepSeconds) };
}

function readPercent(option: string, text: string): number {
  const percent = Number(text);
  if (!/^\d{1,3}$/.test(text) || percent < 1 || percent > 100) {
    throw wrong(`${option}: "${text}" is not a percentage from 1 to 100.`);
  }
  return percent;
}

function readSteps(first: number, text: string | undefined): number[] {
  const further = text === undefined ? USUAL_STEPS : text.split(',').map((step) => readPercent('-steps', step.trim()));
  if (further.some((step, n) => step <= (further[n - 1] ?? 0))) throw wrong(`-steps: "${text}" must rise.`);
  return [first, ...further.filter((step) => step > first)];
}

function readStepSeconds(text: string | undefined): number {
  if (text === undefined) return STEP_SECONDS;
  const seconds = Number(text);
  if (!/^\d{1,5}$/.test(text) || seconds < 1) throw wrong(`-step-seconds: "${text}" is not a number of seconds.`);
  return seconds;
}
