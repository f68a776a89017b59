// The decisions of any saga: declarations are drawn at random, and so is what happens to them.
import { begin, type Decision, decide, repeatAfterSeconds, type Trigger } from '@stoa/chassis/saga/decide';
import {
  COMPENSATED,
  COMPLETED,
  defineSaga,
  isTerminal,
  refusal,
  type SagaDefinition,
  type SagaStep,
  send,
  undoing,
} from '@stoa/chassis/saga/define';
import { file_stoa_cart_v1_cart } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { file_stoa_catalog_v1_catalog } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** Only their names count here: three for each step, told apart by its index. */
const messages = file_stoa_cart_v1_cart.messages.slice(0, 15);
const schemaOf = (index: number, role: 0 | 1 | 2) => messages[3 * index + role] as (typeof messages)[number];
const success = (index: number) => schemaOf(index, 0);
const refused = (index: number) => schemaOf(index, 1);
const undone = (index: number) => schemaOf(index, 2);
const delays = file_stoa_catalog_v1_catalog.messages.slice(0, 5);
const delayed = (index: number) => delays[index] as (typeof messages)[number];

type Definition = SagaDefinition<{ id: string }>;

interface Shape {
  readonly undos: readonly boolean[];
  readonly repeats: readonly boolean[];
  readonly pivot: number;
}

const shapes: fc.Arbitrary<Shape> = fc.integer({ min: 1, max: 5 }).chain((length) =>
  fc.record({
    undos: fc.array(fc.boolean(), { minLength: length, maxLength: length }),
    repeats: fc.array(fc.boolean(), { minLength: length, maxLength: length }),
    pivot: fc.integer({ min: 0, max: length }),
  }),
);

function declare({ undos, repeats, pivot }: Shape): Definition {
  const steps = undos.map((hasUndo, index): SagaStep<{ id: string }> => {
    const undo = { command: () => send(undone(index), {}), done: undone(index) };
    const onTimeout = index >= pivot || repeats[index] ? 'repeat' : 'compensate';
    const extension = { schema: delayed(index), seconds: () => 500 + index, timeoutReason: `DELAYED_${index}` };
    return {
      state: `STEP_${index}`,
      command: () => send(success(index), {}),
      success: success(index),
      refusals: [refusal(refused(index), () => `REFUSED_${index}`)],
      ...(hasUndo ? { undo } : {}),
      timeoutSeconds: 10 + index,
      onTimeout,
      ...(onTimeout === 'compensate' ? { extension } : {}),
      ...(index === pivot ? { pivot: true } : {}),
    };
  });
  return defineSaga({ name: 'any', version: 1, steps, timeoutReason: (state) => `${state}_TIMED_OUT` });
}

const reply = (type: string): Trigger => ({ kind: 'reply', type, message: {} });
const triggers: readonly Trigger[] = [
  ...[...messages, ...delays].map(({ typeName }) => reply(typeName)),
  { kind: 'timer' },
  { kind: 'cancel', reason: 'ASKED' },
  { kind: 'repeat' },
  { kind: 'turn back', reason: 'OPERATOR', beyondPivot: [] },
];

interface Run {
  readonly state: string;
  readonly reason: string;
  readonly attempts: number;
  readonly isExtended: boolean;
  /** When its timer fires, on a clock that only timers move. */
  readonly wakeAt: number;
  readonly now: number;
  readonly enteredAt: number;
  /** Commands sent, as "do:2" and "undo:1". */
  readonly sent: readonly string[];
  readonly states: readonly string[];
}

function commandName({ command }: Extract<Decision, { kind: 'moved' }>): string[] {
  if (command === undefined) return [];
  const index = messages.indexOf(command.schema);
  return [`${index % 3 === 2 ? 'undo' : 'do'}:${Math.floor(index / 3)}`];
}

function after(run: Run, decision: Decision): Run {
  if (decision.kind === 'ignored') return run;
  const { state, reason, attempts, isExtended, wakeAfterSeconds = Number.POSITIVE_INFINITY } = decision;
  return {
    ...{ state, reason, attempts, isExtended, now: run.now, wakeAt: run.now + wakeAfterSeconds },
    enteredAt: state === run.state ? run.enteredAt : run.now,
    sent: [...run.sent, ...commandName(decision)],
    states: [...run.states, state],
  };
}

const NOTHING: Run = {
  ...{ state: '', reason: '', attempts: 0, isExtended: false, wakeAt: 0, now: 0, enteredAt: 0 },
  sent: [],
  states: [],
};
const started = (definition: Definition) => after(NOTHING, begin(definition, { id: 'x' }));

/** A timer fires when it is due; whatever else happens comes before it. */
function react(definition: Definition, run: Run, trigger: Trigger): Run {
  const { state, reason, attempts, isExtended, enteredAt } = run;
  const now = trigger.kind === 'timer' && !isTerminal(state) ? run.wakeAt : run.now;
  const inStateSeconds = now - enteredAt;
  const saga = { state, reason, attempts, isExtended, version: 1, data: { id: 'x' }, inStateSeconds };
  const decision = decide(definition, saga, trigger);
  return decision.kind === 'ignored' ? run : after({ ...run, now }, decision);
}

/** Answers whatever is asked until it ends, with a refusal where `refuses` says so. */
function finish(definition: Definition, run: Run, refuses: (index: number) => boolean): Run {
  let ended = run;
  for (let left = 2 * definition.steps.length; left > 0 && !isTerminal(ended.state); left--) {
    const [kind, index = '0'] = (ended.sent.at(-1) ?? '').split(':');
    const step = Number(index);
    const answer = kind === 'undo' ? undone(step) : refuses(step) ? refused(step) : success(step);
    ended = react(definition, ended, reply(answer.typeName));
  }
  return ended;
}

const histories = fc.array(fc.constantFrom(...triggers), { maxLength: 40 });
const refusing = fc.array(fc.boolean(), { minLength: 5, maxLength: 5 });
const worlds = fc.record({ shape: shapes, history: histories, refuses: refusing });

function live({ shape, history }: { shape: Shape; history: readonly Trigger[] }) {
  const definition = declare(shape);
  return { definition, run: history.reduce((run, trigger) => react(definition, run, trigger), started(definition)) };
}

describe('whatever the saga and whatever happens', () => {
  test('every state answers every trigger', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const definition = declare(shape);
        const back = definition.steps.filter(({ undo }) => undo !== undefined).map(({ state }) => undoing(state));
        for (const state of [...definition.steps.map(({ state }) => state), ...back, COMPLETED, COMPENSATED]) {
          for (const trigger of triggers) {
            const decision = decide(
              definition,
              { ...NOTHING, state, version: 1, data: { id: 'x' }, attempts: 1, inStateSeconds: 0 },
              trigger,
            );
            if (decision.kind === 'ignored') continue;
            expect(decision.wakeAfterSeconds === undefined).toBe(isTerminal(decision.state));
            const onlyWaits = decision.isExtended && trigger.kind === 'reply';
            expect(decision.command === undefined).toBe(isTerminal(decision.state) || onlyWaits);
          }
        }
      }),
    );
  });

  test('it never goes forward again once it has turned back', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { sent } = live(world).run;
        const turned = sent.findIndex((command) => command.startsWith('undo'));
        if (turned >= 0) expect(sent.slice(turned).every((command) => command.startsWith('undo'))).toBe(true);
      }),
    );
  });

  test('steps are done in their order, one after the other', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const done = [...new Set(live(world).run.sent.filter((command) => command.startsWith('do')))];
        expect(done).toEqual(done.map((_, index) => `do:${index}`));
      }),
    );
  });

  test('who ends compensated has undone every step that may have been done, each after those behind it', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { definition, run } = live(world);
        const { state, reason, sent } = finish(definition, run, (index) => world.refuses[index] === true);
        if (state !== COMPENSATED) return;
        const refusedStep = /^REFUSED_(\d)$/.exec(reason)?.[1];
        const may = new Set(
          sent.filter((command) => command.startsWith('do')).map((command) => Number(command.slice(3))),
        );
        may.delete(Number(refusedStep ?? -1));
        const expected = [...may].filter((index) => definition.steps[index]?.undo !== undefined).sort((a, b) => b - a);
        const undos = [...new Set(sent.filter((command) => command.startsWith('undo')))];
        expect(undos).toEqual(expected.map((index) => `undo:${index}`));
      }),
    );
  });

  test('it ends when its commands are answered, completed only if nothing was undone', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { definition, run } = live(world);
        const { state, sent } = finish(definition, run, (index) => world.refuses[index] === true);
        expect([COMPLETED, COMPENSATED]).toContain(state);
        if (state === COMPLETED) expect(sent.some((command) => command.startsWith('undo'))).toBe(false);
      }),
    );
  });

  test('what ended moves no more', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { definition, run } = live(world);
        const ended = finish(definition, run, () => false);
        expect(world.history.reduce((last, trigger) => react(definition, last, trigger), ended)).toBe(ended);
      }),
    );
  });

  test('from the pivot on only a refusal turns it back', () => {
    fc.assert(
      fc.property(shapes, fc.constantFrom(...triggers), (shape, trigger) => {
        const definition = declare(shape);
        for (const [index, { state }] of definition.steps.entries()) {
          if (index < shape.pivot) continue;
          const at = { ...started(definition), state };
          const { state: next } = react(definition, at, trigger);
          const isRefusal = trigger.kind === 'reply' && trigger.type === refused(index).typeName;
          if (!isRefusal) expect(next.startsWith('UNDOING_') || next === COMPENSATED).toBe(false);
        }
      }),
    );
  });
});

describe('a deadline that a reply extends', () => {
  const definition = declare({ undos: [true, true], repeats: [false, false], pivot: 2 });
  const extended = () => react(definition, started(definition), reply(delayed(0).typeName));

  test('moves once, sends nothing, and whoever repeats the reply gains no time', () => {
    const once = extended();
    expect(once).toMatchObject({ state: 'STEP_0', isExtended: true, wakeAt: 500, attempts: 1, sent: ['do:0'] });
    expect(react(definition, once, reply(delayed(0).typeName))).toBe(once);
  });

  test('gives its own reason when it passes, and the step is undone', () => {
    expect(react(definition, extended(), { kind: 'timer' })).toMatchObject({
      state: 'UNDOING_STEP_0',
      reason: 'DELAYED_0',
      isExtended: false,
    });
    expect(react(definition, started(definition), { kind: 'timer' })).toMatchObject({ reason: 'STEP_0_TIMED_OUT' });
  });

  test('is the step’s own: the next one has its usual timeout', () => {
    const next = react(definition, extended(), reply(success(0).typeName));
    expect(next).toMatchObject({ state: 'STEP_1', isExtended: false, wakeAt: 11 });
    expect(react(definition, next, reply(delayed(0).typeName))).toBe(next);
  });

  test('is neither cut short nor put off for ever by an operator who asks again', () => {
    const asked = react(definition, { ...extended(), now: 300 }, { kind: 'repeat' });
    expect(asked).toMatchObject({ isExtended: true, wakeAt: 510, sent: ['do:0', 'do:0'] });
    expect(react(definition, { ...asked, now: 505 }, { kind: 'repeat' }).wakeAt).toBe(510);
  });

  test('is not moved to an earlier time by one that is shorter than what is left of the step', () => {
    const [first, ...others] = definition.steps as [SagaStep<{ id: string }>, ...SagaStep<{ id: string }>[]];
    const extension = { schema: delayed(0), seconds: () => 3, timeoutReason: 'DELAYED_0' };
    const short = { ...definition, steps: [{ ...first, extension }, ...others] };
    const waiting = started(short);
    expect(react(short, { ...waiting, now: 2 }, reply(delayed(0).typeName)).wakeAt).toBe(10);
    expect(react(short, { ...waiting, now: 9 }, reply(delayed(0).typeName)).wakeAt).toBe(12);
  });

  test('whatever happens: nobody waits in a step for longer than its timeout and its extension', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { run, definition: drawn } = live(world);
        const index = drawn.steps.findIndex(({ state }) => state === run.state);
        const step = drawn.steps[index];
        if (step === undefined || step.onTimeout === 'repeat') return;
        expect(run.wakeAt - run.enteredAt).toBeLessThanOrEqual(step.timeoutSeconds + 500 + index);
        if (run.isExtended) expect(run.wakeAt - run.enteredAt).toBeGreaterThanOrEqual(500 + index);
      }),
    );
  });
});

describe('an operator who asks again', () => {
  const definition = declare({ undos: [true, true], repeats: [false, false], pivot: 1 });

  test('does not move the deadline of a step that is then undone, but leaves time for an answer', () => {
    const waiting = started(definition);
    expect(react(definition, { ...waiting, now: 1 }, { kind: 'repeat' })).toMatchObject({ attempts: 2, wakeAt: 10 });
    expect(react(definition, { ...waiting, now: 8 }, { kind: 'repeat' }).wakeAt).toBe(13);
  });

  test('begins the next pause of a step that repeats by itself', () => {
    const pivot = react(definition, started(definition), reply(success(0).typeName));
    expect(react(definition, { ...pivot, now: 8 }, { kind: 'repeat' }).wakeAt).toBe(18);
  });
});

test('a command is sent again after 5 s, 10 s, … and at most 5 min', () => {
  expect([1, 2, 3, 4, 7, 8, 50].map(repeatAfterSeconds)).toEqual([5, 10, 20, 40, 300, 300, 300]);
});

test('a state of another version is an error, not a guess', () => {
  const definition = declare({ undos: [true], repeats: [false], pivot: 1 });
  const saga = { ...NOTHING, state: 'GONE', version: 1, data: { id: 'x' }, attempts: 1, inStateSeconds: 0 };
  expect(() => decide(definition, saga, { kind: 'timer' })).toThrow('has no state GONE');
});

describe('a declaration', () => {
  const step = (state: string, over: Partial<SagaStep<null>> = {}): SagaStep<null> => ({
    state,
    command: () => send(success(0), {}),
    success: success(0),
    refusals: [],
    timeoutSeconds: 1,
    onTimeout: 'compensate',
    ...over,
  });
  const of = (...steps: SagaStep<null>[]) => defineSaga({ name: 'x', version: 1, steps, timeoutReason: String });

  test('names its steps apart', () => {
    expect(() => of(step('A'), step('A'))).toThrow('two steps share a state');
  });

  test('extends no deadline where there is none', () => {
    const extension = { schema: delayed(0), seconds: () => 1, timeoutReason: 'X' };
    expect(() => of(step('A', { extension, onTimeout: 'repeat' }))).toThrow('has no deadline to extend');
    expect(() => of(step('A', { extension }))).not.toThrow();
  });

  test('repeats from its pivot on', () => {
    expect(() => of(step('A', { pivot: true }))).toThrow('must repeat on timeout');
    expect(() => of(step('A', { pivot: true, onTimeout: 'repeat' }), step('B'))).toThrow('B is at or after the pivot');
    expect(() => of(step('A'), step('B', { pivot: true, onTimeout: 'repeat' }))).not.toThrow();
  });
});
