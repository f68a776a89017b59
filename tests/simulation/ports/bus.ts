// The broker of a world: streams, durables, at-least-once delivery, and everything that a broker may forget.
import type { Beacon, Bus, BusListener } from '@stoa/chassis/events/bus';
import type { TopicRecord } from '@stoa/chassis/events/envelope';
import type { Kernel } from '../kernel/kernel.ts';
import type { Rng } from '../kernel/random.ts';
import { type BrokerSettings, type BusOdds, NO_BUS_FAULTS } from './bus-odds.ts';
import { type Incarnation, never } from './process.ts';

interface Stored {
  readonly seq: number;
  readonly epoch: number;
  readonly record: TopicRecord;
}

interface Subscriber {
  readonly process: Incarnation;
  readonly listener: BusListener;
}

interface Durable {
  /** The next message to deliver for the first time. */
  next: number;
  readonly acked: Set<number>;
}

interface Stream {
  readonly created: string;
  lastSeq: number;
  messages: Stored[];
  readonly seen: Map<string, { seq: number; atMs: number }>;
  readonly durables: Map<string, Durable>;
}

const PUBLISH_TIMEOUT_MS = 5000;
const REATTACH_MS = { stream: 500, silence: 4500 };

export class Broker {
  odds: BusOdds = NO_BUS_FAULTS;
  /** Takes requests and answers none; nothing is delivered. */
  frozen = false;
  /** Processes that cannot reach it. */
  readonly cutOff = new Set<string>();
  readonly #kernel: Kernel;
  readonly #rng: Rng;
  readonly #settings: BrokerSettings;
  readonly #count: (fault: string) => void;
  /** Told of each acknowledgement that arrives. */
  onAck: (topic: string, consumer: string, message: { epoch: number; record: TopicRecord }) => void = () => {};
  readonly #everStored = new Map<string, Set<bigint>>();
  readonly #streams = new Map<string, Stream>();
  readonly #subscribers = new Map<string, Map<string, Set<Subscriber>>>();
  #created = 0;

  constructor(kernel: Kernel, rng: Rng, settings: BrokerSettings, count: (fault: string) => void) {
    this.#kernel = kernel;
    this.#rng = rng;
    this.#settings = settings;
    this.#count = count;
  }

  topics(): string[] {
    return [...this.#streams.keys()];
  }

  /** Whether a number of a topic was ever stored here, whatever became of it. */
  hasStored(topic: string, sequence: bigint): boolean {
    return this.#everStored.get(topic)?.has(sequence) ?? false;
  }

  /** Forgets everything: streams, messages, durables. */
  wipe(): void {
    const topics = this.topics();
    this.#streams.clear();
    for (const topic of topics) this.#reattach(topic, REATTACH_MS.silence);
  }

  /** The store of a topic as it was some messages ago, durables included. */
  rollBack(topic: string, messages: number): void {
    const stream = this.#streams.get(topic);
    if (stream === undefined) return;
    stream.lastSeq = Math.max(0, stream.lastSeq - messages);
    stream.messages = stream.messages.filter(({ seq }) => seq <= stream.lastSeq);
    for (const [id, { seq }] of stream.seen) if (seq > stream.lastSeq) stream.seen.delete(id);
    for (const durable of stream.durables.values()) {
      durable.next = Math.min(durable.next, stream.lastSeq + 1);
      for (const seq of durable.acked) if (seq > stream.lastSeq) durable.acked.delete(seq);
    }
  }

  /** An operator removes the messages, or the durables, of a topic. */
  purge(topic: string, what: 'messages' | 'durables'): void {
    const stream = this.#streams.get(topic);
    if (stream === undefined) return;
    if (what === 'messages') stream.messages = [];
    else {
      stream.durables.clear();
      this.#reattach(topic, REATTACH_MS.silence);
    }
  }

  #reachable(process: Incarnation): boolean {
    return !this.frozen && !this.cutOff.has(process.name);
  }

  /** Consumers find out after a while that their durable is gone, and set it up anew. */
  #reattach(topic: string, afterMs: number): void {
    for (const consumer of this.#subscribers.get(topic)?.keys() ?? []) {
      this.#kernel.schedule(afterMs, 'broker', `sets up ${consumer}`, () => this.#attach(topic, consumer));
    }
  }

  #attach(topic: string, consumer: string): void {
    const subscribers = this.#subscribers.get(topic)?.get(consumer);
    if (subscribers === undefined || subscribers.size === 0) return;
    const stream = this.#streams.get(topic);
    const reaches = [...subscribers].some(({ process }) => this.#reachable(process));
    if (stream === undefined || !reaches) {
      this.#kernel.schedule(REATTACH_MS.stream, 'broker', `looks for ${topic}`, () => this.#attach(topic, consumer));
      return;
    }
    if (!stream.durables.has(consumer)) {
      stream.durables.set(consumer, { next: stream.lastSeq + 1, acked: new Set() });
    }
    this.#pump(topic, consumer);
  }

  /** Delivers what was not yet. */
  #pump(topic: string, consumer: string): void {
    const stream = this.#streams.get(topic);
    const durable = stream?.durables.get(consumer);
    if (stream === undefined || durable === undefined || this.frozen) return;
    for (const message of stream.messages) {
      if (message.seq < durable.next) continue;
      durable.next = message.seq + 1;
      this.#deliver(topic, consumer, stream, message);
    }
  }

  #deliver(topic: string, consumer: string, stream: Stream, message: Stored): void {
    const durable = stream.durables.get(consumer);
    if (durable === undefined || durable.acked.has(message.seq) || this.#streams.get(topic) !== stream) return;
    const targets = [...(this.#subscribers.get(topic)?.get(consumer) ?? [])];
    const target = targets.length === 0 ? undefined : this.#rng.pick(targets);
    if (target !== undefined && this.#reachable(target.process)) {
      const { odds } = this;
      this.#send(topic, consumer, stream, message, target, this.#delay());
      if (this.#rng.chance(odds.duplicate)) {
        this.#count('bus: duplicate delivery');
        this.#send(topic, consumer, stream, message, target, this.#rng.between(0, odds.lateMaxMs));
      }
    }
    this.#kernel.schedule(this.#settings.ackWaitMs, 'broker', `ack wait ${consumer}`, () => {
      if (!durable.acked.has(message.seq)) this.#deliver(topic, consumer, stream, message);
    });
  }

  #delay(): number {
    const { odds } = this;
    if (!this.#rng.chance(odds.late)) return this.#rng.between(0.1, odds.latencyMaxMs);
    this.#count('bus: late delivery');
    return this.#rng.between(0, odds.lateMaxMs);
  }

  #send(topic: string, consumer: string, stream: Stream, message: Stored, to: Subscriber, delayMs: number): void {
    const { epoch, record, seq } = message;
    to.process.later(delayMs, `gets ${consumer} ${record.sequence}`, () => {
      if (!this.#reachable(to.process)) return;
      to.listener.message({
        epoch,
        record,
        ack: () => {
          if (to.process.life !== 'running' || !this.#reachable(to.process)) return;
          this.onAck(topic, consumer, message);
          if (this.#rng.chance(this.odds.ackLost)) this.#count('bus: ack lost');
          else if (this.#streams.get(topic) === stream) stream.durables.get(consumer)?.acked.add(seq);
        },
        giveBack: () => {
          if (to.process.life !== 'running' || !this.#reachable(to.process)) return;
          const again = () => this.#deliver(topic, consumer, stream, message);
          this.#kernel.schedule(this.#delay(), 'broker', `${consumer} gave back ${record.sequence}`, again);
        },
      });
    });
  }

  #open(topic: string): Stream {
    let stream = this.#streams.get(topic);
    if (stream === undefined) {
      const created = `stream ${++this.#created}`;
      stream = { created, lastSeq: 0, messages: [], seen: new Map(), durables: new Map() };
      this.#streams.set(topic, stream);
    }
    return stream;
  }

  #append(topic: string, stream: Stream, epoch: number, record: TopicRecord): number {
    const { now } = this.#kernel;
    const ever = this.#everStored.get(topic) ?? new Set();
    this.#everStored.set(topic, ever.add(record.sequence));
    const seen = stream.seen.get(record.eventId);
    if (seen !== undefined && now - seen.atMs < this.#settings.duplicateWindowMs) return seen.seq;
    stream.lastSeq++;
    stream.messages.push({ seq: stream.lastSeq, epoch, record });
    stream.seen.set(record.eventId, { seq: stream.lastSeq, atMs: now });
    return stream.lastSeq;
  }

  async #reach(process: Incarnation, what: string): Promise<void> {
    await process.wait(this.#rng.between(0.1, this.odds.latencyMaxMs), `bus ${what}`);
    if (this.#reachable(process)) return;
    await process.wait(PUBLISH_TIMEOUT_MS, `bus ${what} times out`);
    throw new Error('TIMEOUT');
  }

  async #publish(process: Incarnation, topic: string, epoch: number, records: readonly TopicRecord[]) {
    if (!process.enter()) return never<bigint>();
    await this.#reach(process, `publish ${topic} ${records[0]?.sequence}+${records.length}`);
    const stream = this.#streams.get(topic);
    if (stream === undefined) throw new Error('stream not found');
    const isPartial = this.#rng.chance(this.odds.publishPartial);
    const isLost = this.#rng.chance(this.odds.publishAckLost);
    let last = 0;
    for (const record of records) {
      if (!isPartial || this.#rng.chance(0.5)) last = Math.max(last, this.#append(topic, stream, epoch, record));
    }
    for (const consumer of stream.durables.keys()) this.#pump(topic, consumer);
    if (isPartial || isLost) {
      this.#count(isPartial ? 'bus: window stored in part' : 'bus: publish ack lost');
      await process.wait(PUBLISH_TIMEOUT_MS, 'bus publish unanswered');
      throw new Error('TIMEOUT');
    }
    return BigInt(last);
  }

  #beacon(from: Incarnation, topic: string, beacon: Beacon): void {
    if (from.life !== 'running' || !this.#reachable(from)) return;
    for (const subscribers of this.#subscribers.get(topic)?.values() ?? []) {
      for (const { process, listener } of subscribers) {
        if (this.#rng.chance(this.odds.beaconLost)) continue;
        process.later(this.#rng.between(0.1, this.odds.latencyMaxMs), `beacon ${topic}`, () => {
          if (this.#reachable(process)) listener.beacon(beacon);
        });
      }
    }
  }

  #subscribe(process: Incarnation, topic: string, consumer: string, listener: BusListener): () => void {
    const ofTopic = this.#subscribers.get(topic) ?? new Map<string, Set<Subscriber>>();
    this.#subscribers.set(topic, ofTopic);
    const subscribers = ofTopic.get(consumer) ?? new Set<Subscriber>();
    ofTopic.set(consumer, subscribers);
    const subscriber = { process, listener };
    subscribers.add(subscriber);
    const stop = () => void subscribers.delete(subscriber);
    process.onDeath.add(stop);
    this.#kernel.schedule(1, 'broker', `sets up ${consumer}`, () => this.#attach(topic, consumer));
    return stop;
  }

  /** A process that was cut off reaches it again. */
  reconnect(process: string): void {
    this.cutOff.delete(process);
    this.thaw();
  }

  /** Thaws it: what waits is delivered. */
  thaw(): void {
    this.frozen = false;
    for (const [topic, consumers] of this.#subscribers) {
      for (const consumer of consumers.keys()) this.#attach(topic, consumer);
    }
  }

  /** The broker as a process sees it. */
  connect(process: Incarnation): Bus {
    return {
      openStream: async (topic) => {
        if (!process.enter()) return never();
        await this.#reach(process, `open ${topic}`);
        const { created, lastSeq } = this.#open(topic);
        return { created, lastSeq: BigInt(lastSeq) };
      },
      publish: (topic, epoch, records) => this.#publish(process, topic, epoch, records),
      sendBeacon: (topic, beacon) => this.#beacon(process, topic, beacon),
      consume: async (topic, consumer, listener) => {
        if (!process.enter()) return never();
        const stop = this.#subscribe(process, topic, consumer, listener);
        return { stop: async () => stop() };
      },
      watch: () => () => {},
      connected: () => !this.cutOff.has(process.name),
      lost: () => undefined,
      close: async () => {},
    };
  }
}
