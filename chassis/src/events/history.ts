// What a consumer knows of its producer's history: the epoch, the last number in it, whether it is the history that was
// applied so far, and whether all of it can still be had.
import type { Log } from '../log.ts';
import type { Clock } from '../runtime.ts';
import type { Watermark } from './inbox.ts';
import type { Synced } from './producer.ts';

export const SYNC_MS = 5000;
/** How soon the producer is asked again while its answer decides whether anything may be applied. */
const ASK_AGAIN_MS = 1000;

export interface HistoryOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly labels: { readonly consumer: string; readonly topic: string };
  /** Told when the producer begins another epoch. */
  readonly onEpoch: (epoch: number) => void;
}

export interface History {
  epoch(): number;
  /** Last number known to be given in that epoch. */
  head(): bigint;
  learn(epoch: number, head: bigint): void;
  /** Messages of another epoch may be of a history that never was: what is true of them, the producer replays. */
  enter(epoch: number, head: bigint): void;
  /** The producer has nothing beyond this number, whatever was heard. */
  endsAt(seq: bigint): void;
  /** Something arrived that does not fit what was applied. */
  doubt(): void;
  /** The producer's history is not known to be the one that was applied so far: nothing may be applied. */
  isUnproven(at: Watermark): boolean;
  /** In how many milliseconds the producer is to be asked; not above 0 when now. */
  askInMs(at: Watermark): number;
  /** It is being asked. */
  asking(): void;
  /** Whether the answer counts: one that another epoch has overtaken on its way does not, and is asked for again. */
  answered(answer: Synced): boolean;
  /** How long to wait for what follows a number before it is fetched; undefined when nothing follows. */
  missingInMs(seq: bigint, patienceMs: number): number | undefined;
  /** What was missing is here. */
  found(): void;
  /** Why the producer cannot replay what is missing; undefined when it can. */
  lost(why: string | undefined): void;
  stuck(): string | undefined;
}

export function createHistory({ clock, log, labels, onEpoch }: HistoryOptions): History {
  let epoch = 0;
  let head = 0n;
  let behindSince: number | undefined;
  let doubted = false;
  let diverged = false;
  let lost: string | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let askedIn = 0;

  function enter(next: number, itsHead: bigint): void {
    epoch = next;
    head = itsHead;
    onEpoch(next);
  }

  function learn(heardEpoch: number, heardHead: bigint): void {
    if (heardEpoch > epoch) enter(heardEpoch, heardHead);
    else if (heardEpoch === epoch && heardHead > head) head = heardHead;
  }

  const isUnproven = (at: Watermark) => diverged || doubted || (at.seq > 0n && at.epoch !== epoch);

  return {
    epoch: () => epoch,
    head: () => head,
    learn,
    enter,
    endsAt(seq) {
      head = seq;
      behindSince = undefined;
    },
    doubt() {
      doubted = true;
      askedAt = Number.NEGATIVE_INFINITY;
    },
    isUnproven,
    askInMs: (at) => askedAt + (isUnproven(at) ? ASK_AGAIN_MS : SYNC_MS) - clock.monotonicMs(),
    asking() {
      askedAt = clock.monotonicMs();
      askedIn = epoch;
    },
    answered(answer) {
      if (epoch !== askedIn && answer.epoch !== epoch) {
        askedAt = Number.NEGATIVE_INFINITY;
        return false;
      }
      if (!answer.consistent && !diverged) {
        log.error('the producer was restored: this consumer applied events that no longer exist', labels);
      }
      diverged = !answer.consistent;
      // What raised a doubt while it was being asked is asked again.
      if (askedAt !== Number.NEGATIVE_INFINITY) doubted = false;
      if (answer.epoch === epoch) learn(answer.epoch, answer.head);
      else enter(answer.epoch, answer.head);
      return true;
    },
    missingInMs(seq, patienceMs) {
      if (head <= seq) {
        behindSince = undefined;
        return undefined;
      }
      behindSince ??= clock.monotonicMs();
      return behindSince + patienceMs - clock.monotonicMs();
    },
    found() {
      behindSince = undefined;
    },
    lost(why) {
      lost = why;
    },
    stuck() {
      if (diverged) return `${labels.consumer}: the producer of ${labels.topic} was restored to an earlier state`;
      return lost === undefined ? undefined : `${labels.consumer}: of ${labels.topic}, ${lost}`;
    },
  };
}
