// Declaring a saga: data, not code paths. A saga walks its steps forward; a refusal or a timeout makes it walk back
// through the undos of what was done (or may have been done), in reverse. From the pivot step on it only goes
// forward: there a timeout repeats the command instead of undoing it, and only a refusal turns it round.
// The decision itself is decide.ts, its persistence advance.ts.
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';

/** A command to send, as `publish` takes it. */
export interface Outgoing {
  readonly schema: DescMessage;
  readonly init: MessageInitShape<DescMessage>;
}

/** Binds a command message to its content, checked against its schema. */
export function send<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Outgoing {
  return { schema, init: init as MessageInitShape<DescMessage> };
}

/** What may be stored as a saga's data. Big integers go in as decimal strings. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface Refusal {
  readonly schema: DescMessage;
  /** The stable reason that the saga ends with. */
  readonly reason: (message: never) => string;
}

/** Binds a refusing reply to the reason it gives. */
export function refusal<Desc extends DescMessage>(
  schema: Desc,
  reason: (message: MessageShape<Desc>) => string,
): Refusal {
  return { schema, reason: reason as Refusal['reason'] };
}

/** A reply that says: the outcome will come, but later than the step's timeout allows for. */
export interface Extension<Data> {
  readonly schema: DescMessage;
  /** How long the outcome may take from then on. The deadline moves once, and only to a later time. */
  readonly seconds: (data: Data) => number;
  /** The stable reason that the saga ends with when nothing came by then. */
  readonly timeoutReason: string;
}

export interface SagaStep<Data> {
  /** Name of the state while the step's reply is awaited. */
  readonly state: string;
  /** The command that is sent on entry, and again when `onTimeout` is 'repeat'. The participant must be idempotent. */
  readonly command: (data: Data) => Outgoing;
  /** The reply that completes the step. */
  readonly success: DescMessage;
  /** Replies that say the step was not and will never be done. The saga then undoes the steps before it. */
  readonly refusals: readonly Refusal[];
  /** For a step that others may hold up for good reason, such as a person who must act; its timeout must compensate. */
  readonly extension?: Extension<Data>;
  /** How this step is undone; a participant must accept it even before it saw the command. */
  readonly undo?: { readonly command: (data: Data) => Outgoing; readonly done: DescMessage };
  /** How long a reply may take, judged by the database's clock. */
  readonly timeoutSeconds: number;
  /** 'compensate' undoes this step too (its outcome is unknown); 'repeat' sends the command again, for ever. */
  readonly onTimeout: 'compensate' | 'repeat';
  /** From this step on the saga can no longer be cancelled. */
  readonly pivot?: boolean;
}

export interface SagaDefinition<Data extends Json> {
  readonly name: string;
  /** Stored with each instance; a running saga keeps the version it started with. */
  readonly version: number;
  readonly steps: readonly SagaStep<Data>[];
  /** Reason that a timed-out step gives. */
  readonly timeoutReason: (state: string) => string;
  /** When repeating has gone on this long, a manual task is opened; repeating goes on. @default 900 */
  readonly manualTaskAfterSeconds?: number;
}

export const COMPLETED = 'COMPLETED';
export const COMPENSATED = 'COMPENSATED';

/** The state in which a step's undo is awaited. */
export function undoing(state: string): string {
  return `UNDOING_${state}`;
}

/** Whether a saga in this state has turned back. */
export function isBack(state: string): boolean {
  return state === COMPENSATED || state.startsWith(undoing(''));
}

export function isTerminal(state: string): boolean {
  return state === COMPLETED || state === COMPENSATED;
}

/** Checks the declaration once, at start: steps are named apart and a pivot exists at most once. */
export function defineSaga<Data extends Json>(definition: SagaDefinition<Data>): SagaDefinition<Data> {
  const states = new Set(definition.steps.map((step) => step.state));
  if (states.size !== definition.steps.length) throw new Error(`saga ${definition.name}: two steps share a state`);
  for (const { state, extension, onTimeout } of definition.steps) {
    if (extension !== undefined && onTimeout !== 'compensate') {
      throw new Error(`saga ${definition.name}: ${state} repeats on timeout and has no deadline to extend`);
    }
  }
  const pivot = definition.steps.findIndex((step) => step.pivot);
  const after = pivot < 0 ? [] : definition.steps.slice(pivot);
  for (const step of after) {
    if (step.onTimeout !== 'repeat') {
      throw new Error(`saga ${definition.name}: ${step.state} is at or after the pivot and must repeat on timeout`);
    }
  }
  return definition;
}
