// What a saga does next: a pure function of its declaration, its state and what happened.
import {
  COMPENSATED,
  COMPLETED,
  isTerminal,
  type Json,
  type Outgoing,
  type SagaDefinition,
  type SagaStep,
  undoing,
} from './define.ts';

export interface SagaState<Data> {
  readonly state: string;
  readonly version: number;
  readonly data: Data;
  /** Why it turned back; empty while it goes forward. */
  readonly reason: string;
  /** How often the current state's command was sent. */
  readonly attempts: number;
  /** Whether the current step's deadline was extended. */
  readonly isExtended: boolean;
  /** How long it has been in this state, by the database's clock. */
  readonly inStateSeconds: number;
}

export type Trigger =
  /** A reply, by its full type name; `message` is handed to the refusal's reason. */
  | { readonly kind: 'reply'; readonly type: string; readonly message: unknown }
  | { readonly kind: 'timer' }
  | { readonly kind: 'cancel'; readonly reason: string }
  /** An operator sends the current command again. */
  | { readonly kind: 'repeat' }
  /**
   * An operator turns it back: before the pivot like a cancellation; from the pivot on only in the states of
   * `beyondPivot`, which are those whose effect the undos before them take back too, whatever their outcome was.
   */
  | { readonly kind: 'turn back'; readonly reason: string; readonly beyondPivot: readonly string[] };

export type Decision =
  /** Nothing awaited it: recorded, nothing changes. */
  | { readonly kind: 'ignored' }
  | {
      readonly kind: 'moved';
      readonly state: string;
      readonly reason: string;
      readonly attempts: number;
      readonly command: Outgoing | undefined;
      /** When to act if no reply comes; undefined in terminal states. */
      readonly wakeAfterSeconds: number | undefined;
      readonly openManualTask: boolean;
      /** Whether the step it is then in has, by now or from before, an extended deadline. */
      readonly isExtended: boolean;
    };

const MANUAL_TASK_AFTER_SECONDS = 900;
const REPEAT_SECONDS = { first: 5, max: 300 };

/** Pause before the command is sent again: doubles from 5 s to 5 min. */
export function repeatAfterSeconds(attempts: number): number {
  return Math.min(REPEAT_SECONDS.max, REPEAT_SECONDS.first * 2 ** Math.max(0, attempts - 1));
}

const IGNORED: Decision = { kind: 'ignored' };

/** The first move of a new instance. */
export function begin<Data extends Json>(definition: SagaDefinition<Data>, data: Data): Decision {
  return forwardTo(definition, data, 0);
}

/** Decides for a running instance. Every state answers every trigger. */
export function decide<Data extends Json>(
  definition: SagaDefinition<Data>,
  saga: SagaState<Data>,
  trigger: Trigger,
): Decision {
  if (isTerminal(saga.state)) return IGNORED;
  const forward = definition.steps.findIndex((step) => step.state === saga.state);
  const back = definition.steps.findIndex((step) => undoing(step.state) === saga.state);
  if (forward >= 0) return decideForward(definition, saga, forward, trigger);
  if (back >= 0) return decideBack(definition, saga, back, trigger);
  throw new Error(`saga ${definition.name} v${definition.version} has no state ${saga.state}`);
}

function decideForward<Data extends Json>(
  definition: SagaDefinition<Data>,
  saga: SagaState<Data>,
  index: number,
  trigger: Trigger,
): Decision {
  const step = stepAt(definition, index);
  const turnBack = (reason: string, from: number) => backFrom(definition, saga.data, from, reason);
  switch (trigger.kind) {
    case 'reply': {
      if (trigger.type === step.success.typeName) return forwardTo(definition, saga.data, index + 1);
      if (trigger.type === step.extension?.schema.typeName) return extend(step, saga);
      const refused = step.refusals.find(({ schema }) => schema.typeName === trigger.type);
      // A refused step has no effect of its own: only the steps before it are undone.
      return refused === undefined ? IGNORED : turnBack(refused.reason(trigger.message as never), index - 1);
    }
    case 'timer':
      // The step's outcome is unknown: it is undone as well, or asked for until it is known.
      if (step.onTimeout === 'compensate') return turnBack(timeoutReason(definition, step, saga), index);
      return again(definition, saga, step.command(saga.data));
    case 'cancel':
      return isPastPivot(definition, index) ? IGNORED : turnBack(trigger.reason, index);
    case 'turn back': {
      const isAllowed = !isPastPivot(definition, index) || trigger.beyondPivot.includes(step.state);
      return isAllowed ? turnBack(trigger.reason, index) : IGNORED;
    }
    case 'repeat':
      return keepDeadline(step, saga, again(definition, saga, step.command(saga.data)));
    default:
      return trigger satisfies never;
  }
}

/**
 * Nothing is sent and nothing moves but the deadline, once and never to an earlier time: whoever repeats the reply gains
 * no time, and whoever gives less than the step has left takes none.
 */
function extend<Data extends Json>({ extension, timeoutSeconds }: SagaStep<Data>, saga: SagaState<Data>): Decision {
  if (extension === undefined || saga.isExtended) return IGNORED;
  const { state, reason, attempts, data, inStateSeconds } = saga;
  const wakeAfterSeconds = Math.max(extension.seconds(data), timeoutSeconds - inStateSeconds);
  return { ...ended(state, reason), attempts, wakeAfterSeconds, isExtended: true } as Decision;
}

/**
 * Asking again keeps the deadline of a step that is undone when it passes, and moves one that was extended by no more than
 * the step's own timeout. What was asked gets the time that an answer takes.
 */
function keepDeadline<Data extends Json>(
  { extension, timeoutSeconds, onTimeout }: SagaStep<Data>,
  { isExtended, data, inStateSeconds }: SagaState<Data>,
  repeated: Decision,
): Decision {
  if (repeated.kind !== 'moved' || onTimeout === 'repeat') return repeated;
  const extendedBy = isExtended ? (extension?.seconds(data) ?? 0) : 0;
  const left = timeoutSeconds + extendedBy - inStateSeconds;
  return { ...repeated, wakeAfterSeconds: Math.max(left, repeatAfterSeconds(1)) };
}

function timeoutReason<Data extends Json>(
  definition: SagaDefinition<Data>,
  { state, extension }: SagaStep<Data>,
  { isExtended }: SagaState<Data>,
): string {
  return isExtended && extension !== undefined ? extension.timeoutReason : definition.timeoutReason(state);
}

function decideBack<Data extends Json>(
  definition: SagaDefinition<Data>,
  saga: SagaState<Data>,
  index: number,
  trigger: Trigger,
): Decision {
  const { undo } = stepAt(definition, index);
  if (undo === undefined) throw new Error(`saga ${definition.name}: ${saga.state} has no undo`);
  switch (trigger.kind) {
    case 'reply':
      if (trigger.type !== undo.done.typeName) return IGNORED;
      return backFrom(definition, saga.data, index - 1, saga.reason);
    case 'cancel':
    case 'turn back':
      return IGNORED;
    case 'timer':
    case 'repeat':
      // An undo is never given up.
      return again(definition, saga, undo.command(saga.data));
    default:
      return trigger satisfies never;
  }
}

/** Whether a step is the pivot or comes after it. */
function isPastPivot<Data extends Json>({ steps }: SagaDefinition<Data>, index: number): boolean {
  const pivot = steps.findIndex((step) => step.pivot);
  return pivot >= 0 && index >= pivot;
}

function stepAt<Data extends Json>({ name, steps }: SagaDefinition<Data>, index: number) {
  const step = steps[index];
  if (step === undefined) throw new Error(`saga ${name} has no step ${index}`);
  return step;
}

const ended = (state: string, reason: string): Decision => ({
  kind: 'moved',
  state,
  reason,
  attempts: 0,
  command: undefined,
  wakeAfterSeconds: undefined,
  openManualTask: false,
  isExtended: false,
});

function forwardTo<Data extends Json>(definition: SagaDefinition<Data>, data: Data, index: number): Decision {
  const step = definition.steps[index];
  if (step === undefined) return ended(COMPLETED, '');
  return {
    ...ended(step.state, ''),
    kind: 'moved',
    attempts: 1,
    command: step.command(data),
    wakeAfterSeconds: step.timeoutSeconds,
  } as Decision;
}

/** Undoes the nearest step at or before `index` that has an undo; ends when there is none left. */
function backFrom<Data extends Json>(
  definition: SagaDefinition<Data>,
  data: Data,
  index: number,
  reason: string,
): Decision {
  for (let i = index; i >= 0; i--) {
    const { state, undo } = stepAt(definition, i);
    if (undo === undefined) continue;
    return {
      ...ended(undoing(state), reason),
      attempts: 1,
      command: undo.command(data),
      wakeAfterSeconds: repeatAfterSeconds(1),
    } as Decision;
  }
  return ended(COMPENSATED, reason);
}

function again<Data extends Json>(
  definition: SagaDefinition<Data>,
  saga: SagaState<Data>,
  command: Outgoing,
): Decision {
  const attempts = saga.attempts + 1;
  return {
    kind: 'moved',
    state: saga.state,
    reason: saga.reason,
    attempts,
    command,
    wakeAfterSeconds: repeatAfterSeconds(attempts),
    openManualTask: saga.inStateSeconds >= (definition.manualTaskAfterSeconds ?? MANUAL_TASK_AFTER_SECONDS),
    isExtended: saga.isExtended,
  };
}
