// `stoa tasks`: what waits for a person.
import {
  EXIT,
  expectPositionals,
  readLine,
  readSeconds,
  readWarrant,
  subcommands,
  usage,
} from '../operate/command-line.ts';
import { clockTime, duration, print, table } from '../operate/output.ts';
import type { Decision, TaskEntry } from '../operate/sagas/tasks.ts';
import { withShopData } from '../operate/shop-data.ts';

const load = () => import('../operate/sagas/tasks.ts');
const DECISIONS: readonly Decision[] = ['retry', 'compensate', 'resolve'];

async function list(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, { all: { type: 'boolean', default: false } });
  expectPositionals(positionals);
  const { listTasks } = await load();
  const found = await withShopData(process.env, (data) => listTasks(data, { all: values.all }));
  print(values.json, found, () => (found.length === 0 ? 'No task waits for a person.\n' : listText(found)));
  return 0;
}

function listText(tasks: readonly TaskEntry[]): string {
  return table(
    ['TASK', 'SAGA', 'KIND', 'STATE NOW', 'AGE', 'CLAIMED BY', 'DECISION'],
    tasks.map((task) => [
      task.id,
      task.sagaId,
      task.kind,
      task.state ?? '',
      duration(task.ageSeconds),
      task.claimedBy ?? '',
      task.decision ?? '',
    ]),
  );
}

async function show(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, {});
  const [id = ''] = expectPositionals(positionals, 'TASK');
  const { findTask } = await load();
  const task = await withShopData(process.env, (data) => findTask(data, id));
  print(values.json, task, () => taskText(task));
  return 0;
}

function taskText(task: TaskEntry): string {
  const claimed = task.claimedAt === null ? '' : ` at ${clockTime(task.claimedAt)}`;
  const facts: readonly (readonly [string, string])[] = [
    ['task', task.id],
    ['saga', `${task.sagaId}, now ${task.state ?? 'gone'} (stoa saga show ${task.sagaId})`],
    ['opened', `${clockTime(task.openedAt)}, because ${task.kind} was not answered`],
    ['then', JSON.stringify(task.context)],
    ['claimed', task.claimedBy === null ? 'by nobody' : `by ${task.claimedBy}${claimed}`],
    [
      'decision',
      task.decision === null ? 'none yet' : `${task.decision} by ${task.decidedBy || 'the saga'}: ${task.why}`,
    ],
  ];
  return facts.map(([name, value]) => `${name.padEnd(10)} ${value}\n`).join('');
}

async function claim(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, {});
  const [id = ''] = expectPositionals(positionals, 'TASK');
  const warrant = readWarrant(values);
  const { claimTask } = await load();
  await withShopData(process.env, (data) => claimTask(data, id, warrant));
  print(values.json, { task: id, claimedBy: warrant.by }, () => `The task is ${warrant.by}'s.\n`);
  return 0;
}

async function decide(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, {
    force: { type: 'boolean', default: false },
    timeout: { type: 'string', default: '15s' },
  });
  const [id = '', word = ''] = expectPositionals(positionals, 'TASK', 'retry|compensate|resolve');
  const decision = DECISIONS.find((known) => known === word);
  if (decision === undefined) throw usage(`"${word}" is no decision: write ${DECISIONS.join(', ')}`);
  const warrant = readWarrant(values);
  const seconds = readSeconds('--timeout', values.timeout);
  const { decideTask } = await load();
  return withShopData(process.env, async (data) => {
    const { request, answer } = await decideTask(data, { id, decision, forced: values.force }, warrant, seconds);
    print(values.json, { task: id, decision, request, ...answer }, () => {
      if (answer !== undefined) return `${answer.accepted ? 'done' : 'refused, the task stays'}: ${answer.outcome}\n`;
      return request === undefined ? 'The task is closed.\n' : 'Decided; orders carries it out when it runs.\n';
    });
    if (request !== undefined && answer === undefined) return EXIT.waiting;
    return answer?.accepted === false ? EXIT.failed : 0;
  });
}

export const tasks = subcommands('tasks', { list, show, claim, decide });
