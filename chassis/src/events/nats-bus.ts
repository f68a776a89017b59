// The Bus over NATS JetStream (server 2.9 or newer). One stream for a topic, CloudEvents binary-mode headers, protobuf
// payload. Reconnects for ever; a consumer that falls silent or whose stream is gone is set up anew.
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { connect, createInbox, type Msg, type NatsConnection, nanos } from '@nats-io/transport-node';
import type { Log } from '../log.ts';
import type { Clock } from '../runtime.ts';
import type { Bus, BusMessage, StreamState, Subscription } from './bus.ts';
import { guarded } from './guarded.ts';
import { createPublishWindow } from './nats-acks.ts';
import {
  beaconSubjectOf,
  decode,
  decodeBeacon,
  durableOf,
  encodeBeacon,
  encodeHeaders,
  streamOf,
  subjectOf,
} from './nats-wire.ts';

export interface NatsBusOptions {
  /** With user and password where the broker asks for them: nats://orders:secret@nats:4222 */
  readonly url: string;
  readonly name: string;
  /** Copies of each stream. @default 1 */
  readonly replicas?: number;
  readonly log: Log;
  readonly clock: Clock;
}

const PUBLISH_TIMEOUT_MS = 5000;
const RETRY_MS = 500;
const PREFETCH = 512;
const ACK_WAIT_MS = 30_000;
const HEARTBEAT_MS = 2000;
/**
 * What a listener gives back as it ends. The broker notices with a heartbeat that it is gone; before, it would deliver to
 * nobody, and 2.9 forgets such a message until its time to be acknowledged is over.
 */
const GIVE_BACK_MS = HEARTBEAT_MS + 1000;
/** The broker keeps a day, or this much: what is older is replayed from the producer. */
const STREAM_MAX_AGE_MS = 24 * 3600 * 1000;
const STREAM_MAX_BYTES = 1024 * 1024 * 1024;
const DUPLICATE_WINDOW_MS = 120_000;
const MISSED_HEARTBEATS_MAX = 2;
const WAITING_MS = { first: 2000, next: 10_000 };

const isMissing = (error: unknown, code: number) => error instanceof JetStreamApiError && error.code === code;

async function openStream(manager: JetStreamManager, topic: string, replicas: number): Promise<StreamState> {
  const name = streamOf(topic);
  const read = async () => {
    const { created, state } = await manager.streams.info(name);
    return { created: String(created), lastSeq: BigInt(state.last_seq) };
  };
  try {
    return await read();
  } catch (error) {
    if (!isMissing(error, JetStreamApiCodes.StreamNotFound)) throw error;
  }
  await manager.streams.add({
    name,
    subjects: [subjectOf(topic)],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    num_replicas: replicas,
    max_age: nanos(STREAM_MAX_AGE_MS),
    max_bytes: STREAM_MAX_BYTES,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  });
  return read();
}

/** Delivers until stopped, setting the durable up again whenever it or its stream went away. */
class Consumption implements Subscription {
  #stopped = new AbortController();
  #current: { stop(): void } | undefined;
  readonly #done: Promise<void>;

  constructor(
    connection: { js: JetStreamClient; manager: JetStreamManager; log: Log; clock: Clock },
    topic: string,
    consumer: string,
    onMessage: (message: BusMessage) => void,
  ) {
    this.#done = this.#run(connection, topic, consumer, onMessage);
  }

  async #run(
    { js, manager, log, clock }: { js: JetStreamClient; manager: JetStreamManager; log: Log; clock: Clock },
    topic: string,
    consumer: string,
    onMessage: (message: BusMessage) => void,
  ): Promise<void> {
    const { signal } = this.#stopped;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await ensureDurable(manager, topic, consumer);
        await this.#deliver({ js, log }, topic, consumer, onMessage);
      } catch (error) {
        if (attempt % 20 === 1) log.debug('a consumer is set up again', { consumer, topic, error, attempt });
      }
      await clock.sleep(RETRY_MS, signal);
    }
  }

  async #deliver(
    { js, log }: { js: JetStreamClient; log: Log },
    topic: string,
    consumer: string,
    onMessage: (message: BusMessage) => void,
  ) {
    const handle = await js.consumers.get(streamOf(topic), durableOf(consumer));
    if (this.#stopped.signal.aborted) return;
    const messages = await handle.consume({
      max_messages: PREFETCH,
      expires: 10_000,
      idle_heartbeat: HEARTBEAT_MS,
      abort_on_missing_resource: true,
      callback: guarded((message: JsMsg) => {
        const decoded = decode(message);
        if (decoded !== undefined) {
          onMessage({ ...decoded, ack: () => message.ack(), giveBack: () => message.nak(GIVE_BACK_MS) });
          return;
        }
        log.warn('a message on a topic is none of ours, or spoilt: it is passed over', { topic, consumer });
        // Without its reason: 2.9 takes one with a reason for no answer at all.
        message.term();
      }, log),
    });
    this.#current = messages;
    try {
      for await (const status of messages.status()) {
        if (status.type === 'heartbeats_missed' && status.count >= MISSED_HEARTBEATS_MAX) messages.stop();
      }
      await messages.closed();
    } finally {
      this.#current = undefined;
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#current?.stop();
    await this.#done;
  }
}

/** History comes from the producer, so a durable begins with what is new. Parking is ours: deliveries are unlimited. */
async function ensureDurable(manager: JetStreamManager, topic: string, consumer: string): Promise<void> {
  await manager.consumers.add(streamOf(topic), {
    durable_name: durableOf(consumer),
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.New,
    ack_wait: nanos(ACK_WAIT_MS),
    max_deliver: -1,
    max_ack_pending: 4 * PREFETCH,
  });
}

/**
 * The client takes no credentials from a URL. A user's answers come to an inbox of its own, which is the only one that
 * the broker lets it read.
 */
function serverOf(url: string) {
  const { host, username, password } = new URL(url);
  if (username === '') return { servers: url, inboxPrefix: '_INBOX' };
  const user = decodeURIComponent(username);
  return { servers: host, user, pass: decodeURIComponent(password), inboxPrefix: `_INBOX_${user}` };
}

/** Says that it waits, when that takes longer than a start does. */
async function sayThatItWaits({ url, clock, log }: NatsBusOptions, connected: AbortSignal): Promise<void> {
  const address = new URL(url).host;
  await clock.sleep(WAITING_MS.first, connected);
  while (!connected.aborted) {
    log.warn('the broker is not reached yet; trying again', { address });
    await clock.sleep(WAITING_MS.next, connected);
  }
}

async function connectWaiting(options: NatsBusOptions, server: ReturnType<typeof serverOf>): Promise<NatsConnection> {
  const connected = new AbortController();
  void sayThatItWaits(options, connected.signal);
  try {
    return await connect({
      ...server,
      name: options.name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      waitOnFirstConnect: true,
      // A broker whose users are being replaced refuses us for a while.
      ignoreAuthErrorAbort: true,
      pingInterval: 5000,
      maxPingOut: 2,
    });
  } finally {
    connected.abort();
  }
}

/** Connects, waiting for the server if need be, and stays connected. */
export async function connectNatsBus(options: NatsBusOptions): Promise<Bus> {
  const { url, replicas = 1, log, clock } = options;
  const server = serverOf(url);
  const connection = await connectWaiting(options, server);
  let lost: string | undefined;
  void connection.closed().then((error) => {
    lost = `the connection to the broker is closed${error === undefined ? '' : `: ${error}`}`;
  });
  let isConnected = true;
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') isConnected = false;
      if (status.type === 'reconnect') isConnected = true;
      if (status.type === 'disconnect' || status.type === 'reconnect') log.info(`the broker: ${status.type}`);
    }
  })();
  const js = jetstream(connection, { timeout: PUBLISH_TIMEOUT_MS });
  const publishWindow = createPublishWindow(connection, {
    inbox: createInbox(server.inboxPrefix),
    timeoutMs: PUBLISH_TIMEOUT_MS,
    clock,
    log,
  });
  // Not asking for the account's state lets this start while JetStream is still recovering its store.
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: PUBLISH_TIMEOUT_MS });

  return {
    openStream: (topic) => openStream(manager, topic, replicas),
    publish: (topic, epoch, records) =>
      publishWindow(
        subjectOf(topic),
        records.map((record) => ({ payload: record.payload, headers: encodeHeaders(topic, epoch, record) })),
      ),
    sendBeacon(topic, beacon) {
      if (isConnected) connection.publish(beaconSubjectOf(topic), encodeBeacon(beacon));
    },
    async consume(topic, consumer, listener) {
      const beacons = connection.subscribe(beaconSubjectOf(topic), {
        callback: guarded((_error: unknown, message: Msg) => {
          const beacon = decodeBeacon(message.string());
          if (beacon !== undefined) listener.beacon(beacon);
        }, log),
      });
      const consumption = new Consumption({ js, manager, log, clock }, topic, consumer, listener.message);
      return {
        async stop() {
          beacons.unsubscribe();
          await consumption.stop();
        },
      };
    },
    watch(topic, listener) {
      const subscription = connection.subscribe(subjectOf(topic), {
        callback: guarded((_error: unknown, message: Msg) => {
          const decoded = decode(message);
          if (decoded !== undefined) listener(decoded.record);
        }, log),
      });
      return () => subscription.unsubscribe();
    },
    connected: () => isConnected,
    lost: () => lost,
    close: () => connection.close(),
  };
}
