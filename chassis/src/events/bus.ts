// The message broker as a port: fast, and free to forget. Nothing here is relied on for correctness; what it loses,
// the publisher sends again and the consumer fetches from the producer. The adapter for NATS JetStream is nats-bus.ts.
import type { TopicRecord } from './envelope.ts';

export interface StreamState {
  /** Changes when the stream was deleted and made again. */
  readonly created: string;
  /** Falls when the stream lost messages. */
  readonly lastSeq: bigint;
}

/** How far a topic's numbering is, as its owner tells it every two seconds. */
export interface Beacon {
  readonly epoch: number;
  readonly head: bigint;
}

export interface BusMessage {
  readonly epoch: number;
  readonly record: TopicRecord;
  ack(): void;
  /** It was not applied: the broker soon delivers it again, to whoever asks. */
  giveBack(): void;
}

export interface BusListener {
  message(message: BusMessage): void;
  beacon(beacon: Beacon): void;
}

export interface Subscription {
  /** Nothing is delivered after it resolves. What was, and is not acknowledged, is the listener's to give back. */
  stop(): Promise<void>;
}

export interface Bus {
  /** Creates the topic's stream where it is missing and tells its state. */
  openStream(topic: string): Promise<StreamState>;
  /** Sends a window. Resolves with the highest stream sequence once all are stored; rejects when any may not be. */
  publish(topic: string, epoch: number, records: readonly TopicRecord[]): Promise<bigint>;
  sendBeacon(topic: string, beacon: Beacon): void;
  /** Delivers the topic's messages from now on (and unacknowledged earlier ones), at least once, until stopped. */
  consume(topic: string, consumer: string, listener: BusListener): Promise<Subscription>;
  /** Whatever passes, undelivered when nobody listens. */
  watch(topic: string, listener: (record: TopicRecord) => void): () => void;
  /** Whether the broker can be reached now. */
  connected(): boolean;
  /** Why it will not be reached again by this process; undefined while it may be. */
  lost(): string | undefined;
  close(): Promise<void>;
}
