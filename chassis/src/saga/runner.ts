// What a service does with its sagas. Implemented by advance.ts.
import type { DescMessage } from '@bufbuild/protobuf';
import type { Cause, Received } from '../events/envelope.ts';
import type { Tx } from '../postgres/database.ts';
import type { Trigger } from './decide.ts';
import type { Json } from './define.ts';

/** One move of one saga, after it was written. */
export interface Transition<Data> {
  readonly sagaId: string;
  readonly data: Data;
  readonly from: string;
  /** The same as `from` when the step's deadline was extended. */
  readonly to: string;
  /** Why the saga turned back; empty while it goes forward. */
  readonly reason: string;
  /** The reply that caused the move; undefined for a timer, a cancellation or an operator. */
  readonly reply: Received<DescMessage> | undefined;
  readonly cause: Cause;
}

export interface SagaStart<Data> {
  readonly sagaId: string;
  readonly data: Data;
  readonly cause?: Cause;
}

/** What an operator asks of one saga. */
export interface SagaRequest {
  /** Names the trigger in the saga's timeline; the same request moves a saga once. */
  readonly requestId: string;
  readonly sagaId: string;
  readonly ask: Extract<Trigger, { kind: 'repeat' | 'turn back' }>;
}

export interface SagaAnswer<Data> {
  /** The state that it was in; undefined when there is no such saga. */
  readonly from: string | undefined;
  /** The state that it is in now: the same when the command was sent again. */
  readonly to: string | undefined;
  /** False when the saga's state does not allow what was asked. */
  readonly accepted: boolean;
  readonly moves: readonly Transition<Data>[];
}

export interface Fired<Data> {
  /** The moves made. A timer that only sends a command again makes none. */
  readonly moves: readonly Transition<Data>[];
  /** Whether more timers may be due. */
  readonly hasMore: boolean;
}

export interface SagaRunner<Data extends Json> {
  /** Stores new instances in their first state and publishes their first commands, in the given transaction. */
  start(tx: Tx, starts: readonly SagaStart<Data>[]): Promise<void>;
  /**
   * Applies replies to the sagas they belong to (saga id = aggregate id of the message), set-based. Replies that no
   * step awaits are recorded and change nothing. Returns the moves made, in the batch's order.
   */
  advance(tx: Tx, replies: readonly Received<DescMessage>[]): Promise<Transition<Data>[]>;
  /** Turns a saga back before its pivot; undefined when it is past it or terminal. */
  cancel(tx: Tx, sagaId: string, reason: string): Promise<Transition<Data> | undefined>;
  /** Does what an operator asks, if the saga's state allows it. See operator-requests.ts for the job. */
  operate(tx: Tx, request: SagaRequest): Promise<SagaAnswer<Data>>;
  /** Fires due timers, at most `limit`. For a job. */
  fireTimers(tx: Tx, limit: number): Promise<Fired<Data>>;
}
