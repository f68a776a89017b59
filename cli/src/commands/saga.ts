// `stoa saga`: what is stuck, why, and how to settle it.
import { EXIT, expectPositionals, readLine, readSeconds, readWarrant, subcommands } from '../operate/command-line.ts';
import { clockTime, duration, plural, print, table } from '../operate/output.ts';
import type { SagaList } from '../operate/sagas/saga-list.ts';
import { withShopData } from '../operate/shop-data.ts';
import { readCount } from './read-count.ts';

async function list(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, {
    state: { type: 'string' },
    older: { type: 'string', default: '60s' },
    limit: { type: 'string', default: '20' },
  });
  expectPositionals(positionals);
  const olderSeconds = readSeconds('--older', values.older);
  const limit = readCount('--limit', values.limit, 1, 10_000);
  const { listSagas } = await import('../operate/sagas/saga-list.ts');
  const filter = { olderSeconds, limit, ...(values.state === undefined ? {} : { state: values.state }) };
  const found = await withShopData(process.env, (data) => listSagas(data, filter));
  print(values.json, found, () => listText(found, values.older));
  return 0;
}

function listText({ groups, sagas }: SagaList, older: string): string {
  if (groups.length === 0) return 'Every saga has ended.\n';
  const grouped = table(
    ['SAGA', 'STATE', 'RUNNING', 'WAIT OUTSIDE', '> 1 MIN', '> 10 MIN', 'OLDEST', 'TASKS'],
    groups.map((group) => [
      group.saga,
      group.state,
      String(group.count),
      String(group.waiting),
      String(group.overMinute),
      String(group.overTenMinutes),
      duration(group.oldestSeconds),
      String(group.openTasks),
    ]),
  );
  if (sagas.length === 0) return `${grouped}\nNone of them has been in its state for ${older}.\n`;
  const rows = sagas.map((saga) => [
    saga.number,
    saga.sagaId,
    saga.state,
    duration(saga.inStateSeconds),
    String(saga.attempts),
    saga.wakeAt === null ? '' : clockTime(saga.wakeAt).slice(11, 19),
    saga.hasTask ? 'open' : '',
    saga.reason,
  ]);
  const head = ['ORDER', 'ID', 'STATE', 'FOR', 'SENT', 'ACTS AT', 'TASK', 'TURNED BACK BY'];
  return `${grouped}\nIn their state for ${older} or more, oldest first (stoa saga show ORDER says why):\n${table(head, rows)}`;
}

async function show(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, {});
  const [reference = ''] = expectPositionals(positionals, 'ORDER');
  const [{ orderIdOf }, { tellStory }, { storyText }] = await Promise.all([
    import('../operate/sagas/order-reference.ts'),
    import('../operate/sagas/tell-story.ts'),
    import('../operate/sagas/story-text.ts'),
  ]);
  const story = await withShopData(process.env, async (data) => tellStory(data, await orderIdOf(data, reference)));
  print(values.json, story, () => storyText(story));
  return 0;
}

async function ask(action: 'retry' | 'compensate', args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, {
    force: { type: 'boolean', default: false },
    timeout: { type: 'string', default: '15s' },
  });
  const [reference = ''] = expectPositionals(positionals, 'ORDER');
  const warrant = readWarrant(values);
  const seconds = readSeconds('--timeout', values.timeout);
  const [{ orderIdOf }, { settle }, { awaitAnswer }] = await Promise.all([
    import('../operate/sagas/order-reference.ts'),
    import('../operate/sagas/settle.ts'),
    import('../operate/sagas/requests.ts'),
  ]);
  return withShopData(process.env, async (data) => {
    const sagaId = await orderIdOf(data, reference);
    const settling = await settle(data, { sagaId, action, forced: values.force }, warrant);
    const answer = data.running ? await awaitAnswer(data, settling.request, seconds) : undefined;
    const also = settling.refusesShipment
      ? 'Shipping refuses this order from now on; its refusal turns the saga back: refund, restock, cancelled.\n'
      : '';
    print(values.json, { ...settling, sagaId, ...answer }, () => also + answerText(answer, data.running));
    if (answer === undefined) return EXIT.waiting;
    return answer.accepted ? 0 : EXIT.failed;
  });
}

function answerText(answer: { readonly accepted: boolean; readonly outcome: string } | undefined, running: boolean) {
  if (answer !== undefined) return `${answer.accepted ? 'done' : 'refused'}: ${answer.outcome}\n`;
  const why = running
    ? 'orders has not carried it out yet; it will when it runs'
    : 'orders carries it out when it runs';
  return `${plural(1, 'request')} written down: ${why}.\n`;
}

export const saga = subcommands('saga', {
  list,
  show,
  retry: (args) => ask('retry', args),
  compensate: (args) => ask('compensate', args),
});
