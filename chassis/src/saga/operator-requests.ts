// What operators ask of running sagas. A tool writes the request down (table operator_request); this job of the owning
// service carries it out, under the saga's lock and through `decide`, so that an operator can no more race a reply or a
// timer than those race each other. What came of it is written in the same transaction.
import type { Queryable, Tx } from '../postgres/database.ts';
import { errorText } from '../postgres/error-text.ts';
import { isPassing } from '../postgres/passing.ts';
import { sql } from '../postgres/sql.ts';
import type { JobDefinition, ServiceContext } from '../service.ts';
import type { Trigger } from './decide.ts';
import { isTerminal, type Json, type SagaDefinition } from './define.ts';
import type { SagaAnswer, Transition } from './runner.ts';

export interface OperatorRequest {
  readonly id: string;
  readonly saga: string;
  readonly sagaId: string;
  readonly action: 'retry' | 'compensate';
  /** Also from the pivot on, where the service allows it. */
  readonly forced: boolean;
  readonly by: string;
  readonly why: string;
}

export interface OperatorRequestsOptions<Data, Context> {
  /** What the service does with moves, in their transaction: the same as for those that replies cause. */
  readonly recordMoves: (tx: Tx, moves: readonly Transition<Data>[], context: Context) => Promise<void>;
  /**
   * States at or after the pivot from which a forced request may still turn back. List one only when the undos of the
   * steps before it take its own effect back too, whether or not it has happened by then.
   */
  readonly beyondPivot?: readonly string[];
}

/** The reason that a saga carries which an operator turned back. */
export const OPERATOR_DECISION = 'OPERATOR_DECISION';
export const OPERATOR_REQUESTS_JOB = 'operator-requests';
const EVERY_MS = 1000;

/** Writes a request down; the owning service carries it out within about a second, or when it next runs. */
export async function requestMove(tx: Queryable, request: OperatorRequest): Promise<void> {
  await tx.run(sql`
    insert into operator_request (id, saga, saga_id, action, forced, requested_by, why)
    values (${request.id}, ${request.saga}, ${request.sagaId}, ${request.action}, ${request.forced}, ${request.by},
      ${request.why})`);
}

/** The job for one saga; declare it among the service's jobs. */
export function operatorRequests<Data extends Json, Context extends ServiceContext>(
  definition: SagaDefinition<Data>,
  options: OperatorRequestsOptions<Data, Context>,
): JobDefinition<Context> {
  const { recordMoves, beyondPivot = [] } = options;

  async function carryOut(tx: Tx, request: OperatorRequest, context: Context): Promise<void> {
    const ask: Trigger & { kind: 'repeat' | 'turn back' } =
      request.action === 'retry'
        ? { kind: 'repeat' }
        : { kind: 'turn back', reason: OPERATOR_DECISION, beyondPivot: request.forced ? beyondPivot : [] };
    const { sagaId, id: requestId } = request;
    const answer = await context.saga(definition).operate(tx, { requestId, sagaId, ask });
    await recordMoves(tx, answer.moves, context);
    await close(tx, request, answer.accepted, outcomeOf(request, answer, beyondPivot));
  }

  return {
    name: OPERATOR_REQUESTS_JOB,
    everyMs: EVERY_MS,
    run: (context) =>
      context.db.transact(async (tx) => {
        const request = await lockNext(tx, definition.name);
        if (request === undefined) return false;
        const { sagaId, action } = request;
        try {
          await tx.savepoint(() => carryOut(tx, request, context));
        } catch (error) {
          if (isPassing(error)) throw error;
          // One request that cannot be carried out must not hold up those behind it.
          context.log.error('an operator request failed', { saga: definition.name, id: sagaId, reason: action, error });
          await close(tx, request, false, `failed: ${errorText(error)}`);
        }
        context.log.info('an operator request was handled', { saga: definition.name, id: sagaId, reason: action });
        return true;
      }),
  };
}

async function lockNext(tx: Tx, saga: string): Promise<OperatorRequest | undefined> {
  return tx.maybe(sql<OperatorRequest>`
    select id, saga, saga_id as "sagaId", action, forced, requested_by as "by", why from operator_request
    where saga = ${saga} and done_at is null order by requested_at, id limit 1 for update skip locked`);
}

async function close(tx: Tx, { id }: OperatorRequest, accepted: boolean, outcome: string): Promise<void> {
  await tx.run(sql`
    update operator_request set done_at = now(), accepted = ${accepted}, outcome = ${outcome} where id = ${id}`);
}

function outcomeOf<Data>(
  { action, forced }: OperatorRequest,
  { from, to, accepted }: SagaAnswer<Data>,
  beyondPivot: readonly string[],
): string {
  if (from === undefined) return 'there is no such saga';
  if (accepted) return to === from ? `the command of ${from} was sent again` : `turned back: ${from} -> ${to}`;
  if (isTerminal(from)) return `it has already ended ${from}`;
  if (from.startsWith('UNDOING_')) return `it is already turning back: ${from}`;
  if (action === 'compensate' && !forced && beyondPivot.includes(from)) {
    return `${from} is at or after the pivot: turning back is a decision of its own; ask with --force`;
  }
  return `${from} is past the point from which it can be turned back`;
}
