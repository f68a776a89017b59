// What a saga waits for in its state, read from its declaration.
import { eventTypeOf } from '@stoa/chassis/events/topic';
import { isTerminal, type Json, type SagaStep, undoing } from '@stoa/chassis/saga/define';
import { CONSUMERS, SAGAS } from '../topology.ts';

export interface Awaited {
  /** Full type name of the command that was sent. */
  readonly command: string;
  readonly commandTopic: string;
  /** Who obeys it. */
  readonly participant: string;
  readonly replies: readonly string[];
  readonly replyTopic: string;
  /** Who listens for the replies. */
  readonly replyConsumer: string;
  /** Whether the state is at or after the pivot, going forward. */
  readonly pastPivot: boolean;
  readonly goesBack: boolean;
  readonly onTimeout: 'compensate' | 'repeat';
}

export interface SagaPlace {
  readonly name: string;
  readonly definitionVersion: number;
  readonly state: string;
  readonly data: Json;
}

/** Undefined in terminal states, and for a saga or state that is not declared any more. */
export function awaitedIn(saga: SagaPlace): Awaited | undefined {
  const found = SAGAS.find(
    ({ definition }) => definition.name === saga.name && definition.version === saga.definitionVersion,
  );
  if (found === undefined || isTerminal(saga.state)) return undefined;
  const { steps } = found.definition;
  const index = steps.findIndex((step) => step.state === saga.state || undoing(step.state) === saga.state);
  const step = steps[index];
  if (step === undefined) return undefined;
  const goesBack = step.state !== saga.state;
  const pivot = steps.findIndex((candidate) => candidate.pivot);
  const { command, replies } = exchange(step, goesBack, saga.data);
  const [commandTopic, replyTopic] = [eventTypeOf(command).topic, eventTypeOf(replies[0] as typeof command).topic];
  return {
    command: command.typeName,
    commandTopic,
    participant: CONSUMERS.find(({ topic }) => topic.name === commandTopic)?.name ?? '',
    replies: replies.map(({ typeName }) => typeName),
    replyTopic,
    replyConsumer:
      CONSUMERS.find(({ topic, service }) => topic.name === replyTopic && service === found.service)?.name ?? '',
    pastPivot: !goesBack && pivot >= 0 && index >= pivot,
    goesBack,
    onTimeout: goesBack ? 'repeat' : step.onTimeout,
  };
}

function exchange(step: SagaStep<Json>, goesBack: boolean, data: Json) {
  if (goesBack && step.undo !== undefined) {
    return { command: step.undo.command(data).schema, replies: [step.undo.done] };
  }
  const refusals = step.refusals.map(({ schema }) => schema);
  return { command: step.command(data).schema, replies: [step.success, ...refusals] };
}
