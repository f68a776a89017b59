// The whole story of one order, from every database: what its saga did and why, what was said and who heard it, what
// the participants hold, and what waits for a person. The databases are read one after the other, so a running order
// may look a moment older in one than in another.
import { sql } from '@stoa/chassis/postgres/sql';
import { listActions } from '../actions.ts';
import { listParked } from '../parked/parked.ts';
import type { ShopData } from '../shop-data.ts';
import { CONSUMERS } from '../topology.ts';
import { awaitedIn } from './awaited.ts';
import { explain } from './explain.ts';
import { consumerPlaces, messagesOf, type OrderMessage } from './order-messages.ts';
import type { ExplainedStory, OrderHead, SagaHead, StoryTransition, Task } from './order-story.ts';
import { participantsOf } from './participants.ts';
import { type Request, requestsOf } from './requests.ts';

const ACTIONS_MAX = 50;

export async function tellStory(data: ShopData, orderId: string): Promise<ExplainedStory> {
  const db = data.at('orders');
  const order = await db.one(sql<OrderHead>`
    select id, number, status, currency, total_minor as "totalMinor", placed_at as "placedAt", updated_at as "updatedAt"
    from orders where id = ${orderId}`);
  const saga = await db.maybe(sql<SagaHead>`
    select name, definition_version as "definitionVersion", state, version, reason, attempts, entered_at as "enteredAt",
      extract(epoch from now() - entered_at)::float8 as "inStateSeconds", wake_at as "wakeAt", data
    from saga where saga_id = ${orderId}`);
  const awaited = saga === undefined ? undefined : awaitedIn(saga);
  const [messages, participants, parked, tasks, requests, actions] = await Promise.all([
    messagesOf(data, orderId, order.placedAt),
    participantsOf(data, orderId),
    listParked(data, { aggregateId: orderId }),
    tasksOf(data, orderId),
    requestsOf(data, orderId),
    listActions(data, ACTIONS_MAX, orderId),
  ]);
  const transitions = await transitionsOf(data, orderId, messages, requests);
  const consumers = await consumerPlaces(data, topicsOfInterest(messages));
  const told = { order, saga, awaited, transitions, messages, consumers, parked, tasks, requests, actions };
  const story = { ...told, ...participants };
  return { ...story, why: explain(story, data.runtime.clock.now()) };
}

/** Topics that carry the saga: its commands and the replies to them. */
function topicsOfInterest(messages: readonly OrderMessage[]): Set<string> {
  const replies = CONSUMERS.filter(({ service }) => service === 'orders').map(({ topic }) => topic.name);
  const commands = messages.filter(({ topic }) => topic.endsWith('-commands')).map(({ topic }) => topic);
  return new Set([...commands, ...replies]);
}

async function tasksOf(data: ShopData, orderId: string): Promise<Task[]> {
  return data.at('orders').rows(sql<Task>`
    select id, kind, opened_at as "openedAt", claimed_by as "claimedBy", decision, decided_at as "decidedAt",
      decided_by as "decidedBy", why
    from manual_task where saga_id = ${orderId} order by opened_at`);
}

async function transitionsOf(
  data: ShopData,
  orderId: string,
  messages: readonly OrderMessage[],
  requests: readonly Request[],
): Promise<StoryTransition[]> {
  const rows = await data.at('orders').rows(sql<Omit<StoryTransition, 'trigger'>>`
    select version, from_state as "from", to_state as "to", at, trigger_id as "triggerId"
    from saga_transition where saga_id = ${orderId} order by version`);
  const byId = new Map(messages.map((message) => [message.eventId, message]));
  const asked = new Map(requests.map((request) => [request.id, request]));
  return rows.map((row) => ({ ...row, trigger: triggerText(row.triggerId, byId, asked) }));
}

function triggerText(
  triggerId: string,
  messages: ReadonlyMap<string, OrderMessage>,
  requests: ReadonlyMap<string, Request>,
): string {
  const [kind = '', id = ''] = triggerId.split(':');
  if (kind === 'start') return 'the order was placed';
  if (kind === 'timer') return 'its timer: no reply had come';
  if (kind === 'cancel') return 'the customer cancelled';
  if (kind === 'operator') {
    const request = requests.get(id);
    return request === undefined ? `operator request ${id}` : `${request.action} by ${request.by}: ${request.why}`;
  }
  const message = messages.get(triggerId);
  // Retention deletes messages that everybody has applied after a week; the transition stays.
  if (message === undefined) return `event ${triggerId}, no longer kept`;
  return `${message.type} (${message.topic} ${message.sequence ?? 'not numbered'})`;
}
