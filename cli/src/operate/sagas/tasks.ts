// Manual tasks: what a machine could not settle, taken up and decided by a person. Closed ones stay as a record.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Json } from '@stoa/chassis/saga/define';
import { recordAction, type Warrant } from '../actions.ts';
import type { ShopData } from '../shop-data.ts';
import { SAGA_DATABASES } from '../topology.ts';
import { type Answer, awaitAnswer } from './requests.ts';
import { settle } from './settle.ts';

export type Decision = 'retry' | 'compensate' | 'resolve';

export interface TaskEntry {
  readonly id: string;
  readonly service: string;
  readonly sagaId: string;
  readonly kind: string;
  readonly context: Json;
  readonly openedAt: Date;
  readonly ageSeconds: number;
  readonly claimedBy: string | null;
  readonly claimedAt: Date | null;
  readonly decision: string | null;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly why: string | null;
  /** The saga's state now. */
  readonly state: string | null;
}

const TASKS_MAX = 1000;

/** Open tasks, oldest first; or all, or one. */
export async function listTasks(
  data: ShopData,
  { all = false, id = null }: { readonly all?: boolean; readonly id?: string | null } = {},
): Promise<TaskEntry[]> {
  const found = await Promise.all(
    SAGA_DATABASES.filter((name) => data.has(name)).map(async (service) => {
      const rows = await data.at(service).rows(sql<Omit<TaskEntry, 'service'>>`
        select t.id, t.saga_id as "sagaId", t.kind, t.context, t.opened_at as "openedAt",
          extract(epoch from now() - t.opened_at)::float8 as "ageSeconds", t.claimed_by as "claimedBy",
          t.claimed_at as "claimedAt", t.decision, t.decided_by as "decidedBy", t.decided_at as "decidedAt", t.why,
          s.state
        from manual_task t left join saga s on s.saga_id = t.saga_id
        where (${id}::uuid is null and (${all} or t.decided_at is null)) or t.id = ${id}::uuid
        order by t.opened_at limit ${TASKS_MAX}`);
      return rows.map((row) => ({ ...row, service }));
    }),
  );
  return found.flat();
}

export async function findTask(data: ShopData, id: string): Promise<TaskEntry> {
  if (!/^[0-9a-f-]{36}$/i.test(id)) throw new Error(`"${id}" is not a task's id`);
  const [task] = await listTasks(data, { id });
  if (task === undefined) throw new Error(`there is no task ${id}`);
  return task;
}

/** Takes a task up. Of several who try, one gets it. */
export async function claimTask(data: ShopData, id: string, warrant: Warrant): Promise<void> {
  const task = await findTask(data, id);
  await data.at(task.service).transact(async (tx) => {
    const claimed = await tx.run(sql`
      update manual_task set claimed_by = ${warrant.by}, claimed_at = now()
      where id = ${id} and decided_at is null and (claimed_by is null or claimed_by = ${warrant.by})`);
    if (claimed === 0) throw new Error(await whyNot(tx, id));
    await recordAction(tx, data, { ...warrant, action: 'tasks.claim', target: task.sagaId, details: { task: id } });
  });
}

async function whyNot(tx: Tx, id: string): Promise<string> {
  const task = await tx.maybe(sql<{ claimed_by: string | null; decision: string | null }>`
    select claimed_by, decision from manual_task where id = ${id}`);
  if (task?.decision != null) return `the task is closed: ${task.decision}`;
  return `the task is claimed by ${task?.claimed_by ?? 'somebody else'}`;
}

export interface Decided {
  /** The request that the decision issued; undefined for 'resolve'. */
  readonly request: string | undefined;
  readonly answer: Answer | undefined;
}

/**
 * Decides a task: 'retry' and 'compensate' ask the saga, 'resolve' says that it was settled by other means. A decision
 * that the saga refuses does not close the task.
 */
export async function decideTask(
  data: ShopData,
  { id, decision, forced }: { readonly id: string; readonly decision: Decision; readonly forced: boolean },
  warrant: Warrant,
  waitSeconds: number,
): Promise<Decided> {
  const task = await findTask(data, id);
  // Before anything is asked of anybody else; closing the task checks it again.
  const isOthers = task.claimedBy !== null && task.claimedBy !== warrant.by;
  if (task.decision !== null) throw new Error(`the task is closed: ${task.decision}`);
  if (isOthers) throw new Error(`the task is claimed by ${task.claimedBy}`);
  const close = (tx: Tx) => closeTask(tx, data, task, decision, warrant);
  if (decision === 'resolve') {
    await data.at(task.service).transact(close);
    return { request: undefined, answer: undefined };
  }
  const { request } = await settle(data, { sagaId: task.sagaId, action: decision, forced }, warrant, close);
  const answer = data.running ? await awaitAnswer(data, request, waitSeconds) : undefined;
  if (answer?.accepted === false) await reopen(data, task, { ...warrant, why: `refused: ${answer.outcome}` });
  return { request, answer };
}

async function closeTask(tx: Tx, data: ShopData, task: TaskEntry, decision: Decision, warrant: Warrant) {
  const closed = await tx.run(sql`
    update manual_task set decision = ${decision}, decided_at = now(), decided_by = ${warrant.by}, why = ${warrant.why}
    where id = ${task.id} and decided_at is null and (claimed_by is null or claimed_by = ${warrant.by})`);
  if (closed === 0) throw new Error(await whyNot(tx, task.id));
  const details = { task: task.id, decision };
  await recordAction(tx, data, { ...warrant, action: 'tasks.decide', target: task.sagaId, details });
}

async function reopen(data: ShopData, { id, service, sagaId }: TaskEntry, warrant: Warrant): Promise<void> {
  await data.at(service).transact(async (tx) => {
    // A saga that ended meanwhile needs nobody any more, and another task of its state may have opened.
    const reopened = await tx.run(sql`
      update manual_task t set decision = null, decided_at = null, decided_by = null, why = null
      where id = ${id} and exists (select from saga s where s.saga_id = t.saga_id and s.wake_at is not null)
        and not exists (
          select from manual_task o where o.saga_id = t.saga_id and o.kind = t.kind and o.decided_at is null)`);
    if (reopened === 0) return;
    await recordAction(tx, data, { ...warrant, action: 'tasks.reopen', target: sagaId, details: { task: id } });
  });
}
