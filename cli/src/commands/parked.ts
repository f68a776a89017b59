// `stoa parked`: messages that a consumer could not handle.
import {
  EXIT,
  expectPositionals,
  readLine,
  readSeconds,
  readSequence,
  readWarrant,
  subcommands,
  usage,
} from '../operate/command-line.ts';
import { clockTime, duration, plural, print, shortType, table } from '../operate/output.ts';
import type { ShownMessage } from '../operate/parked/parked.ts';
import type { ParkedSummary, RedriveState, Scope } from '../operate/parked/parked-messages.ts';
import { withShopData } from '../operate/shop-data.ts';

const load = () => import('../operate/parked/parked.ts');
const DEFAULT_WAIT = '30s';

async function list(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, {
    consumer: { type: 'string' },
    all: { type: 'boolean', default: false },
  });
  expectPositionals(positionals);
  const { listParked } = await load();
  const { consumer } = values;
  const found = await withShopData(process.env, (data) => listParked(data, consumer === undefined ? {} : { consumer }));
  const shown = values.all ? found : found.filter(({ waits }) => !waits);
  print(values.json, shown, () => listText(shown, found.length));
  return 0;
}

function listText(shown: readonly ParkedSummary[], total: number): string {
  if (total === 0) return 'No message is parked.\n';
  const rows = shown.map((m) => [
    m.consumer,
    String(m.sequence),
    shortType(m.type),
    m.aggregateId,
    duration(m.ageSeconds),
    String(m.attempts),
    String(m.behind),
    m.redriving ? `(being tried again) ${m.error}` : m.error,
  ]);
  const head = ['CONSUMER', 'SEQUENCE', 'TYPE', 'AGGREGATE', 'AGE', 'ATTEMPTS', 'BEHIND', 'ERROR'];
  const hidden = total - shown.length;
  const rest = hidden === 0 ? '' : `; ${plural(hidden, 'message')} wait behind them (--all shows them)`;
  return `${table(head, rows)}\n${plural(shown.length, 'message')}${rest}\n`;
}

async function show(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, {});
  const [consumer = '', sequence = ''] = expectPositionals(positionals, 'CONSUMER', 'SEQUENCE');
  const { showParked } = await load();
  const message = await withShopData(process.env, (data) => showParked(data, consumer, readSequence(sequence)));
  print(values.json, message, () => messageText(message));
  return 0;
}

function messageText(message: ShownMessage): string {
  const resolved = message.resolvedAt === null ? '' : `${message.resolution} at ${clockTime(message.resolvedAt)}`;
  const facts: readonly (readonly [string, string])[] = [
    ['consumer', `${message.consumer} (in ${message.service})`],
    ['message', `${message.topic} ${message.sequence}, ${message.type}`],
    ['aggregate', `${message.aggregateId} version ${message.aggregateVersion}`],
    ['error', `${message.error} (${plural(message.attempts, 'attempt')})`],
    ['parked', clockTime(message.parkedAt)],
    ['trace', message.traceId || 'none'],
    ['state', resolved || (message.redriveAt === null ? 'waits for an operator' : 'is being tried again')],
  ];
  const headers = Object.entries(message.headers).map(([name, value]) => `  ${name}: ${value}`);
  const payload =
    message.payload === undefined
      ? `  cannot be read as ${message.type}; base64 ${message.payloadBase64}`
      : JSON.stringify(message.payload, null, 2).replaceAll(/^/gm, '  ');
  const lines = facts.map(([name, value]) => `${name.padEnd(10)} ${value}`);
  return `${lines.join('\n')}\nheaders\n${headers.join('\n')}\npayload\n${payload}\n`;
}

/** CONSUMER SEQUENCE, or CONSUMER with --aggregate or --all. */
function readScope(positionals: readonly string[], aggregateId: string | undefined, all: boolean): Scope {
  if (aggregateId === undefined && !all) {
    const [consumer = '', sequence = ''] = expectPositionals(positionals, 'CONSUMER', 'SEQUENCE');
    return { consumer, sequence: readSequence(sequence) };
  }
  if (aggregateId !== undefined && all) throw usage('give either --aggregate or --all');
  const [consumer = ''] = expectPositionals(positionals, 'CONSUMER');
  return aggregateId === undefined ? { consumer, all: true } : { consumer, aggregateId };
}

async function redrive(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, {
    aggregate: { type: 'string' },
    all: { type: 'boolean', default: false },
    wait: { type: 'boolean', default: false },
    timeout: { type: 'string', default: DEFAULT_WAIT },
  });
  const scope = readScope(positionals, values.aggregate, values.all);
  const warrant = readWarrant(values);
  const seconds = readSeconds('--timeout', values.timeout);
  const parked = await load();
  return withShopData(process.env, async (data) => {
    const sequences = await parked.redrive(data, scope, warrant);
    const mustWait = values.wait && data.running;
    const state = mustWait ? await parked.awaitRedrive(data, scope.consumer, sequences, seconds) : undefined;
    const when = data.running ? 'within some seconds' : 'when the shop runs';
    print(values.json, { sequences, ...state }, () =>
      state === undefined ? `${plural(sequences.length, 'message')} will be tried again ${when}.\n` : stateText(state),
    );
    if (state === undefined) return values.wait ? EXIT.waiting : 0;
    if (state.failed.length > 0) return EXIT.failed;
    return state.pending.length > 0 ? EXIT.waiting : 0;
  });
}

function stateText({ redriven, failed, blocked, pending }: RedriveState): string {
  const lines = [`${plural(redriven.length, 'message')} handled`];
  for (const { sequence, error } of failed) lines.push(`message ${sequence} failed again: ${error}`);
  if (blocked.length > 0) lines.push(`${plural(blocked.length, 'message')} wait behind it`);
  if (pending.length > 0) lines.push(`${plural(pending.length, 'message')} not tried yet: does the consumer run?`);
  return `${lines.join('\n')}\n`;
}

async function drop(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, { aggregate: { type: 'string' } });
  const scope = readScope(positionals, values.aggregate, false) as Exclude<Scope, { all: true }>;
  const warrant = readWarrant(values);
  const parked = await load();
  const sequences = await withShopData(process.env, (data) => parked.drop(data, scope, warrant));
  print(values.json, { sequences }, () => `${plural(sequences.length, 'message')} dropped: never to be applied.\n`);
  return 0;
}

export const parked = subcommands('parked', { list, show, redrive, drop });
