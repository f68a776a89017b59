// The story of an order as an operator reads it: why it stands where it stands first, the evidence below.
import { clockTime, duration, shortType } from '../output.ts';
import type { ExplainedStory } from './order-story.ts';
import type { Payment } from './participants.ts';

const section = (title: string, lines: readonly string[]) =>
  lines.length === 0 ? '' : `\n${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;

const money = (minor: bigint, currency: string) => `${minor} ${currency} (minor units)`;

export function storyText(story: ExplainedStory): string {
  const { order, saga } = story;
  const heading =
    `Order ${order.number}  ${order.id}\n` +
    `${order.status}, ${money(order.totalMinor, order.currency)}, placed ${clockTime(order.placedAt)} UTC\n`;
  const state =
    saga === undefined
      ? []
      : [`${saga.name} v${saga.definitionVersion}: ${saga.state}, version ${saga.version}, ${saga.attempts} attempts`];
  return (
    heading +
    section('Why it stands here', story.why) +
    section('Saga', [...state, ...transitionLines(story)]) +
    section('Messages, and who has taken them', messageLines(story)) +
    section('What the participants hold', participantLines(story)) +
    section('Parked messages', parkedLines(story)) +
    section('Manual tasks', taskLines(story)) +
    section('Operators', operatorLines(story))
  );
}

function transitionLines({ transitions }: ExplainedStory): string[] {
  return transitions.map(({ version, from, to, at, trigger, triggerId }) => {
    // Timers and operators ("timer:3") send again; of the replies only one that extends the deadline leaves it there.
    const stays = triggerId.includes(':') ? 'sent again' : 'waits for longer';
    const move = from === to ? `${to} (${stays})` : `${from || '(start)'} -> ${to}`;
    return `${String(version).padStart(3)}  ${clockTime(at)}  ${move}: ${trigger}`;
  });
}

function messageLines({ messages, consumers, parked }: ExplainedStory): string[] {
  return messages.map(({ at, topic, sequence, type }) => {
    const heard = consumers
      .filter((place) => place.topic === topic)
      .map(({ consumer, seq, diverged }) => {
        if (diverged) return `${consumer} stands still`;
        if (parked.some((p) => p.consumer === consumer && p.sequence === sequence)) return `PARKED by ${consumer}`;
        return sequence !== null && seq >= sequence ? `taken by ${consumer}` : `not yet ${consumer}`;
      });
    return [clockTime(at), `${topic} ${sequence ?? '(not numbered)'}`, shortType(type), ...heard].join('  ');
  });
}

function participantLines({ reservation, payment, shipment }: ExplainedStory): string[] {
  const lines = reservation?.lines.map(({ sku, quantity }) => `${quantity} x ${sku}`).join(', ');
  const expires =
    reservation === undefined || reservation.expiresAt === null ? '' : `, until ${clockTime(reservation.expiresAt)}`;
  return [
    reservation === undefined
      ? 'reservation  none'
      : `reservation  ${reservation.state}${because(reservation.reason)}${expires}: ${lines}`,
    ...(payment === undefined ? ['payment      none'] : paymentLines(payment)),
    shipment === undefined
      ? 'shipment     none'
      : `shipment     ${shipment.state}${because(shipment.reason)} ${shipment.trackingNumber ?? ''}`.trimEnd(),
  ];
}

const because = (reason: string) => (reason === '' ? '' : ` (${reason})`);

function paymentLines(payment: Payment): string[] {
  const { state, goal, operation, amountMinor, capturedMinor, refundedMinor, currency, calls } = payment;
  const sums = `${amountMinor} ${currency}, captured ${capturedMinor}, refunded ${refundedMinor}`;
  const due = operation === null ? '' : `, ${operation} under way or due`;
  return [
    `payment      ${state}${because(payment.reason)}, wanted: ${goal}${due}; ${sums}`,
    ...calls.map(
      (call) =>
        `             ${call.operation} ${call.state} after ${call.attempts} calls` +
        `${call.state === 'DUE' ? `, next ${clockTime(call.nextAttemptAt)}` : ''}${because(call.lastError)}`,
    ),
  ];
}

function parkedLines({ parked }: ExplainedStory): string[] {
  return parked.map(
    ({ consumer, sequence, type, error, ageSeconds }) =>
      `${consumer} ${sequence} ${shortType(type)}, ${duration(ageSeconds)} ago: ${error}`,
  );
}

function taskLines({ tasks }: ExplainedStory): string[] {
  return tasks.map(({ id, kind, openedAt, claimedBy, decision, decidedBy, why }) => {
    const end = decision === null ? 'open' : `${decision} by ${decidedBy || 'the saga'}: ${why}`;
    return `${id}  ${kind}, opened ${clockTime(openedAt)}${claimedBy === null ? '' : `, claimed by ${claimedBy}`}, ${end}`;
  });
}

function operatorLines({ requests, actions }: ExplainedStory): string[] {
  const asked = requests.map(
    ({ requestedAt, by, action, forced, why, outcome }) =>
      `${clockTime(requestedAt)}  ${by} asked to ${action}${forced ? ' by force' : ''} (${why}): ` +
      `${outcome ?? 'not carried out yet'}`,
  );
  const done = actions
    .filter(({ action }) => !action.startsWith('saga.'))
    .map(({ at, by, action, why }) => `${clockTime(at)}  ${by} did ${action} (${why})`);
  return [...asked, ...done].sort();
}
