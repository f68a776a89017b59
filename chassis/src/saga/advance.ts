// Runs sagas: lock, decide, write state, transition, timer and commands, all in the caller's transaction.
import type { DescMessage } from '@bufbuild/protobuf';
import { type Cause, NO_CAUSE, type Received } from '../events/envelope.ts';
import type { Publish } from '../events/publish.ts';
import type { Failpoints } from '../failpoint.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Tx } from '../postgres/database.ts';
import { isPassing } from '../postgres/passing.ts';
import type { Ids } from '../runtime.ts';
import { begin, type Decision, decide, type Trigger } from './decide.ts';
import { isBack, isTerminal, type Json, type SagaDefinition } from './define.ts';
import type { SagaRunner, Transition } from './runner.ts';
import {
  type Ended,
  insertSagas,
  lockDueSagas,
  lockSagas,
  type Move,
  openManualTask,
  putOffSaga,
  type SagaRow,
  writeMoves,
} from './store.ts';

export interface SagaRunnerOptions {
  readonly publish: Publish;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly failpoints: Failpoints;
}

/** Something that happened to one saga. */
interface Happening {
  readonly sagaId: string;
  readonly trigger: Trigger;
  /** Given the saga's version, names the trigger for deduplication and for the timeline. */
  readonly triggerId: (version: number) => string;
  readonly reply: Received<DescMessage> | undefined;
  readonly cause: Cause;
}

/** In seconds: a checkout is decided in one, and a customer at the bank takes minutes. */
const SAGA_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];

/** How long a saga waits that cannot be decided: for a release that can, or for a person. */
const PUT_OFF_SECONDS = 60;

type Moved = Extract<Decision, { kind: 'moved' }>;

/** `versions` are all versions of one saga that instances may still run; new ones start with the highest. */
export function createSagaRunner<Data extends Json>(
  versions: readonly SagaDefinition<Data>[],
  options: SagaRunnerOptions,
): SagaRunner<Data> {
  const { publish, ids, log, metrics, failpoints } = options;
  const latest = versions.reduce((a, b) => (b.version > a.version ? b : a));
  const { name } = latest;
  const known = versions.map(({ version }) => version);
  /** A batch of timers failed: one of them cannot be decided. */
  let oneByOne = false;

  function definitionOf(version: number): SagaDefinition<Data> {
    const found = versions.find((definition) => definition.version === version);
    if (found === undefined) throw new Error(`saga ${name}: version ${version} is not declared any more`);
    return found;
  }

  function send(tx: Tx, decision: Moved, cause: Cause): void {
    if (decision.command !== undefined) publish(tx, decision.command.schema, decision.command.init, cause);
  }

  async function applyAll(tx: Tx, rows: readonly SagaRow[], happenings: readonly Happening[]) {
    const byId = new Map(rows.map((row) => [row.sagaId, row]));
    const moves: Move[] = [];
    const transitions: Transition<Data>[] = [];
    for (const happening of happenings) {
      const row = byId.get(happening.sagaId);
      const definition = row === undefined ? undefined : definitionOf(row.definitionVersion);
      if (row === undefined || definition === undefined) {
        log.warn('a reply for an unknown saga was passed over', { saga: name, id: happening.sagaId });
        continue;
      }
      const decision = decide(definition, { ...row, data: row.data as Data }, happening.trigger);
      if (decision.kind === 'ignored') {
        metrics.count('saga_ignored_total', 'Triggers that no step awaited', { saga: name, state: row.state });
        continue;
      }
      await failpoints.hit(`saga.${row.state}`);
      moves.push(toMove(row, decision, happening));
      send(tx, decision, happening.cause);
      if (decision.openManualTask) await callForHelp(tx, row, decision);
      if (row.state !== decision.state || row.isExtended !== decision.isExtended)
        transitions.push(toTransition(row, decision, happening));
      metrics.count('saga_moved_total', 'Moves by the state they lead to', { saga: name, state: decision.state });
    }
    if (moves.length > 0) tell(tx, moves, await writeMoves(tx, moves));
    return { moves, transitions };
  }

  /** Only what was committed counts. */
  function tell(tx: Tx, moves: readonly Move[], ended: readonly Ended[]): void {
    const turned = moves.filter(({ fromState, toState }) => !isBack(fromState) && isBack(toState));
    tx.afterCommit(() => {
      for (const { fromState: state, reason } of turned) {
        metrics.count('saga_compensations_total', 'Sagas that turned back, by where', { saga: name, state, reason });
      }
      for (const { outcome, reason, seconds } of ended) {
        metrics.count('saga_ended_total', 'Sagas that ended, by how and why', { saga: name, outcome, reason });
        metrics.observe('saga_seconds', 'From start to end', seconds, { saga: name, outcome }, SAGA_BUCKETS);
      }
    });
  }

  function toTransition(row: SagaRow, decision: Moved, { reply, cause }: Happening): Transition<Data> {
    const { sagaId, state, data } = row;
    return { sagaId, data: data as Data, from: state, to: decision.state, reason: decision.reason, reply, cause };
  }

  async function callForHelp(tx: Tx, row: SagaRow, { state, attempts, reason }: Moved): Promise<void> {
    const context = { state, attempts, reason };
    const opened = await openManualTask(tx, { id: ids.uuid(), sagaId: row.sagaId, kind: state, context });
    if (!opened) return;
    log.error('a saga needs a person: its command is not answered', { saga: name, id: row.sagaId, state });
    metrics.count('manual_task_opened_total', 'Manual tasks opened', { saga: name, state });
  }

  /** One that cannot be decided must not stop the timers of all: it is put off. */
  async function fireOneByOne(tx: Tx, rows: readonly SagaRow[]): Promise<Transition<Data>[]> {
    const moves: Transition<Data>[] = [];
    for (const row of rows) {
      try {
        const { transitions } = await tx.savepoint(() => applyAll(tx, [row], [fromTimer(row)]));
        moves.push(...transitions);
      } catch (error) {
        if (isPassing(error)) throw error;
        log.error("a saga's timer cannot be decided; it is put off", { saga: name, id: row.sagaId, error });
        await putOffSaga(tx, row.sagaId, PUT_OFF_SECONDS);
      }
    }
    return moves;
  }

  return {
    async start(tx, starts) {
      const moves = starts.map(({ sagaId, data, cause = tx.cause }) => {
        const decision = begin(latest, data) as Moved;
        send(tx, decision, cause);
        return { ...firstMove(sagaId, decision), data };
      });
      await insertSagas(tx, name, latest.version, moves);
      tx.afterCommit(() => metrics.count('saga_started_total', 'Sagas started', { saga: name }, moves.length));
    },

    async advance(tx, replies) {
      const rows = await lockSagas(
        tx,
        name,
        replies.map((reply) => reply.aggregateId),
      );
      return (await applyAll(tx, rows, replies.map(fromReply))).transitions;
    },

    async cancel(tx, sagaId, reason) {
      const rows = await lockSagas(tx, name, [sagaId]);
      const trigger = { kind: 'cancel', reason } as const;
      const triggerId = (version: number) => `cancel:${version}`;
      const happening = { sagaId, trigger, triggerId, reply: undefined, cause: tx.cause };
      return (await applyAll(tx, rows, [happening])).transitions[0];
    },

    async operate(tx, { requestId, sagaId, ask }) {
      const rows = await lockSagas(tx, name, [sagaId]);
      const from = rows[0]?.state;
      const triggerId = () => `operator:${requestId}`;
      const happening = { sagaId, trigger: ask, triggerId, reply: undefined, cause: tx.cause };
      const { moves, transitions } = await applyAll(tx, rows, rows.length === 0 ? [] : [happening]);
      return { from, to: moves[0]?.toState ?? from, accepted: moves.length > 0, moves: transitions };
    },

    async fireTimers(tx, limit) {
      const rows = await lockDueSagas(tx, name, known, limit);
      const hasMore = rows.length === limit;
      if (oneByOne) {
        oneByOne = false;
        return { moves: await fireOneByOne(tx, rows), hasMore };
      }
      try {
        return { moves: (await applyAll(tx, rows, rows.map(fromTimer))).transitions, hasMore };
      } catch (error) {
        // The transaction is lost; the next one finds the culprit.
        oneByOne = !isPassing(error);
        throw error;
      }
    },
  };
}

function fromReply(reply: Received<DescMessage>): Happening {
  const type = (reply.message as unknown as { $typeName: string }).$typeName;
  return {
    sagaId: reply.aggregateId,
    trigger: { kind: 'reply', type, message: reply.message },
    triggerId: () => reply.eventId,
    reply,
    cause: reply.cause,
  };
}

function fromTimer({ sagaId }: SagaRow): Happening {
  return {
    sagaId,
    trigger: { kind: 'timer' },
    triggerId: (version) => `timer:${version}`,
    reply: undefined,
    cause: NO_CAUSE,
  };
}

function toMove(row: SagaRow, decision: Moved, happening: Happening): Move {
  const { state, reason, attempts, wakeAfterSeconds, isExtended } = decision;
  return {
    sagaId: row.sagaId,
    fromState: row.state,
    toState: state,
    version: row.version + 1,
    reason,
    attempts,
    wakeAfterSeconds: isTerminal(state) ? undefined : wakeAfterSeconds,
    isExtended,
    triggerId: happening.triggerId(row.version),
  };
}

function firstMove(sagaId: string, { state, wakeAfterSeconds }: Moved): Move {
  return {
    sagaId,
    fromState: '',
    toState: state,
    version: 1,
    reason: '',
    attempts: 1,
    wakeAfterSeconds,
    isExtended: false,
    triggerId: 'start',
  };
}
