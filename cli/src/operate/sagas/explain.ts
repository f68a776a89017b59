// Why an order stands where it stands: a pure function of its story. It follows the command from the outbox to the
// participant, and the reply back, and names the first place where it does not go on.
import { isTerminal } from '@stoa/chassis/saga/define';
import { duration, shortType } from '../output.ts';
import type { ParkedSummary } from '../parked/parked-messages.ts';
import type { Awaited } from './awaited.ts';
import type { ConsumerPlace, OrderMessage } from './order-messages.ts';
import type { OrderStory } from './order-story.ts';

/** Everything takes a moment; younger than this nothing is called late. */
const MOMENT_SECONDS = 5;

export function explain(story: OrderStory, now: Date): string[] {
  const { saga, awaited, parked } = story;
  if (saga === undefined) return ['There is no saga for this order: it can neither go forward nor back by itself.'];
  if (isTerminal(saga.state)) {
    return [`The saga ended ${saga.state}${saga.reason === '' ? '' : ` (${saga.reason})`}: nothing is awaited.`];
  }
  if (awaited === undefined) return [`The running code declares no state ${saga.state} of ${saga.name}.`];
  const blocked = parked.filter(({ waits }) => !waits).flatMap(parkedLines);
  const place = blocked.length > 0 ? blocked : wherever(story, awaited);
  return [stands(story, awaited), ...place, ...whatNext(story, awaited, now)];
}

/** A parked message is the reason whatever else there is: everything of the order waits behind it. */
function parkedLines({ consumer, topic, sequence, type, error, redriving }: ParkedSummary): string[] {
  return [
    `${consumer} could not handle ${shortType(type)} (${topic} ${sequence}) and parked it: ${error}`,
    redriving
      ? `It is being tried again: does the consumer run?`
      : `When the cause is mended: stoa parked redrive ${consumer} ${sequence} --reason "..." --wait`,
  ];
}

function stands({ saga, order }: OrderStory, { command, goesBack }: Awaited): string {
  const { state = '', inStateSeconds = 0, reason = '', attempts = 0 } = saga ?? {};
  const direction = goesBack ? ` and goes back (${reason})` : '';
  return (
    `Order ${order.number} is ${order.status}; its saga has been ${state} for ${duration(inStateSeconds)}${direction}, ` +
    `having sent ${shortType(command)} ${attempts === 1 ? 'once' : `${attempts} times`}.`
  );
}

/** The first place where the command or its reply does not go on. */
function wherever(story: OrderStory, awaited: Awaited): string[] {
  const { saga, messages, consumers } = story;
  const command = messages.findLast(({ type }) => type === awaited.command);
  if (command === undefined) return [`No ${shortType(awaited.command)} is in orders' outbox any more.`];
  if (command.sequence === null) {
    return [`The command is committed but not numbered yet: does the publisher of ${command.service} run?`];
  }
  const diverged = [awaited.participant, awaited.replyConsumer]
    .map((name) => placeOf(consumers, name))
    .find((place) => place?.diverged);
  if (diverged !== undefined) return [standsStill(diverged)];
  const enteredAt = saga?.enteredAt ?? command.at;
  const reply = messages.findLast(({ type, at }) => awaited.replies.includes(type) && at >= enteredAt);
  if (reply !== undefined) return [notHeard(reply, placeOf(consumers, awaited.replyConsumer))];
  const participant = placeOf(consumers, awaited.participant);
  if (participant !== undefined && participant.seq < command.sequence) return [notTaken(command, participant)];
  const taken = `${awaited.participant} has taken ${shortType(awaited.command)} and has not answered it.`;
  return [taken, ...atTheProvider(story, awaited)];
}

const placeOf = (consumers: readonly ConsumerPlace[], name: string) =>
  consumers.find(({ consumer }) => consumer === name);

function liveness({ service, silentSeconds }: ConsumerPlace): string {
  if (silentSeconds <= 0) return '';
  const since = Number.isFinite(silentSeconds) ? ` since ${duration(silentSeconds)}` : '';
  return `; it has not been running${since}: is ${service} down?`;
}

function standsStill({ consumer, service, seq, topic, head }: ConsumerPlace): string {
  return (
    `${consumer} stands still: it applied ${topic} up to ${seq}, with an event that the producer (now at ${head}) does ` +
    `not have. The producer's database was restored to an earlier state than that of ${service}: see the runbook ` +
    'docs/runbooks/restored-database.md'
  );
}

function notTaken({ type, topic, sequence }: OrderMessage, place: ConsumerPlace): string {
  return (
    `${place.consumer} has not taken ${shortType(type)} yet: it stands at ${place.seq} of ${topic}, the command is ` +
    `${sequence}${liveness(place)}`
  );
}

function notHeard(reply: OrderMessage, place: ConsumerPlace | undefined): string {
  const answer = `The answer ${shortType(reply.type)} is there (${reply.topic} ${reply.sequence ?? 'not numbered'})`;
  if (reply.sequence === null) return `${answer}: does the publisher of ${reply.service} run?`;
  if (place === undefined) return `${answer}, but nobody listens for it.`;
  if (place.seq >= reply.sequence) return `${answer} and was applied a moment ago, or is parked.`;
  return `${answer}; ${place.consumer} has not applied it yet, it stands at ${place.seq}${liveness(place)}`;
}

function atTheProvider({ payment }: OrderStory, { participant }: Awaited): string[] {
  if (participant !== 'payments.orders' || payment === undefined || payment.operation === null) return [];
  const due = payment.calls.find(({ operation, state }) => operation === payment.operation && state === 'DUE');
  if (due === undefined) return [];
  if (payment.state === 'ACTION_REQUIRED') {
    return [
      'The provider waits for the customer, who has not confirmed the payment yet (3-D Secure): nothing is stuck.',
    ];
  }
  const error = due.lastError === '' ? '' : `, last: ${due.lastError}`;
  return [
    `The payment is ${payment.state}: the provider's answer to "${due.operation}" is missing after ` +
      `${due.attempts} calls${error}. It is asked again under the same key until it answers.`,
  ];
}

function whatNext({ saga, tasks, requests, order }: OrderStory, awaited: Awaited, now: Date): string[] {
  const lines: string[] = [];
  if (saga !== undefined && saga.wakeAt !== null) {
    const seconds = (saga.wakeAt.getTime() - now.getTime()) / 1000;
    const act = awaited.onTimeout === 'repeat' ? 'the command is sent again' : 'the saga turns back';
    lines.push(
      seconds < -MOMENT_SECONDS
        ? `By its timer ${act}, which was due ${duration(-seconds)} ago: does orders run?`
        : `Without a reply ${act} in ${duration(Math.max(0, seconds))}.`,
    );
  }
  for (const task of tasks.filter(({ decidedAt }) => decidedAt === null)) {
    lines.push(`Manual task ${task.id} is open${task.claimedBy === null ? '' : `, claimed by ${task.claimedBy}`}.`);
  }
  for (const request of requests.filter(({ doneAt }) => doneAt === null)) {
    lines.push(`The request to ${request.action} by ${request.by} has not been carried out: does orders run?`);
  }
  const ask = (action: string) => `stoa saga ${action} ${order.number} --reason "..."`;
  lines.push(`To send the command again now: ${ask('retry')}`);
  if (!awaited.goesBack) lines.push(`To give the order up: ${ask('compensate')}${awaited.pastPivot ? ' --force' : ''}`);
  return lines;
}
