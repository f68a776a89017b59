// Manual tasks: taken up by one person, decided once, closed with their saga, opened again when nothing helped.
import { sql } from '@stoa/chassis/postgres/sql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listActions } from '../../src/operate/actions.ts';
import { claimTask, decideTask, findTask, listTasks } from '../../src/operate/sagas/tasks.ts';
import { openShop, type Shop } from './operate-shop.ts';

const maria = { by: 'maria', why: 'on call' };
const jon = { by: 'jon', why: 'on call' };
const HOUR = 3600;

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop.stop());

/** An order whose capture nobody has answered for an hour: its task. */
async function taskOfStuckOrder() {
  const orderId = await shop.orderIn('CAPTURING');
  await shop.letTimePass(orderId, HOUR);
  const tasks = (await listTasks(shop.data)).filter(({ sagaId }) => sagaId === orderId);
  expect(tasks).toMatchObject([{ kind: 'CAPTURING', claimedBy: null, decision: null }]);
  return { orderId, id: tasks[0]?.id as string };
}

const tasksOf = async (orderId: string) =>
  (await listTasks(shop.data, { all: true })).filter(({ sagaId }) => sagaId === orderId);

type Asked = Parameters<typeof decideTask>[1];
const decide = (asked: Asked, warrant = maria) => shop.whileOrdersRuns(() => decideTask(shop.data, asked, warrant, 10));

describe('a manual task', () => {
  it('goes to one of two operators who claim it at once', async () => {
    const { orderId, id } = await taskOfStuckOrder();
    const outcomes = await Promise.allSettled([claimTask(shop.data, id, maria), claimTask(shop.data, id, jon)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const { claimedBy } = await findTask(shop.data, id);
    const loser = claimedBy === 'maria' ? jon : maria;
    await expect(claimTask(shop.data, id, loser)).rejects.toThrow(`the task is claimed by ${claimedBy}`);
    await expect(decide({ id, decision: 'resolve', forced: false }, loser)).rejects.toThrow('is claimed by');
    expect(await listActions(shop.data, 10, orderId)).toMatchObject([{ action: 'tasks.claim', by: claimedBy }]);
  });

  it('decided to retry sends the command again, closes, and stays as a record', async () => {
    const { orderId, id } = await taskOfStuckOrder();
    const { answer } = await decide({ id, decision: 'retry', forced: false });
    expect(answer).toEqual({ accepted: true, outcome: 'the command of CAPTURING was sent again' });
    expect(await tasksOf(orderId)).toMatchObject([{ id, decision: 'retry', decidedBy: 'maria', why: 'on call' }]);
    await expect(decide({ id, decision: 'retry', forced: false })).rejects.toThrow('the task is closed: retry');
  });

  it('is followed by another when its decision has not helped after a while, and not before', async () => {
    const { orderId, id } = await taskOfStuckOrder();
    await decide({ id, decision: 'retry', forced: false });
    await shop.letTimePass(orderId, HOUR);
    expect(await tasksOf(orderId)).toHaveLength(1);
    await shop.db.run(sql`update manual_task set decided_at = now() - interval '1 hour' where id = ${id}`);
    await shop.letTimePass(orderId, HOUR);
    expect(await tasksOf(orderId)).toMatchObject([{ decision: 'retry' }, { decision: null }]);
  });

  it('stays open when the saga refuses what was decided', async () => {
    const { orderId, id } = await taskOfStuckOrder();
    const { answer } = await decide({ id, decision: 'compensate', forced: false });
    expect(answer?.accepted).toBe(false);
    expect(await findTask(shop.data, id)).toMatchObject({ decision: null, decidedAt: null });
    const { answer: forced } = await decide({ id, decision: 'compensate', forced: true });
    expect(forced).toMatchObject({ accepted: true });
    expect(await shop.stateOf(orderId)).toBe('UNDOING_AUTHORIZING');
    expect((await listActions(shop.data, 10, orderId)).map(({ action }) => action).sort()).toEqual([
      'saga.compensate',
      'saga.compensate',
      'tasks.decide',
      'tasks.decide',
      'tasks.reopen',
    ]);
  });

  it('closes by itself when its saga ends', async () => {
    const { orderId, id } = await taskOfStuckOrder();
    await decide({ id, decision: 'compensate', forced: true });
    await shop.letTimePass(orderId, HOUR);
    expect((await tasksOf(orderId)).map(({ kind }) => kind)).toEqual(['CAPTURING', 'UNDOING_AUTHORIZING']);
    await shop.reply(orderId, 'PaymentCancelled', 'StockReleased');
    expect(await tasksOf(orderId)).toMatchObject([
      { id, decision: 'compensate' },
      { decision: 'ended', why: 'the saga ended COMPENSATED' },
    ]);
  });

  it('resolved by other means is closed without asking the saga', async () => {
    const { orderId, id } = await taskOfStuckOrder();
    expect(await decide({ id, decision: 'resolve', forced: false })).toEqual({ request: undefined, answer: undefined });
    expect(await tasksOf(orderId)).toMatchObject([{ decision: 'resolve' }]);
    expect(await shop.stateOf(orderId)).toBe('CAPTURING');
  });
});
