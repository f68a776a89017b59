// The producer of a topic as its consumers see it: past the broker, straight to its outbox. The adapter calls
// EventLogService; a simulation has its own.
import type { TopicRecord } from './envelope.ts';
import type { Watermark } from './inbox.ts';

export interface Replayed {
  readonly epoch: number;
  readonly records: readonly TopicRecord[];
}

export interface Synced {
  readonly epoch: number;
  readonly head: bigint;
  /** False when the producer's event at the watermark is another one: it was restored to an earlier state. */
  readonly consistent: boolean;
}

export interface Producer {
  replay(topic: string, after: bigint, signal: AbortSignal): Promise<Replayed>;
  sync(topic: string, consumer: string, watermark: Watermark, signal: AbortSignal): Promise<Synced>;
}
