// Raw JetStream on an embedded server: one stream, one consumer, nothing of ours.
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { startNats } from '../../cli/src/infrastructure/nats.ts';
import { newHome, removeHome } from './shop.ts';

const STREAM = 'BENCH';
const SUBJECT = 'bench';
const PAYLOAD = new Uint8Array(500);

export interface Passed {
  readonly seconds: number;
  /** Milliseconds from publish to delivered, each. */
  readonly delays: readonly number[];
}

export async function openJetStream() {
  const home = newHome();
  const server = await startNats({ home });
  const connection = await connect({ servers: server.url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: STREAM, subjects: [SUBJECT] });
  await manager.consumers.add(STREAM, { durable_name: 'bench', ack_policy: AckPolicy.Explicit });
  const js = jetstream(connection);
  let delivered = (_sequence: number) => {};
  const messages = await (await js.consumers.get(STREAM, 'bench')).consume({
    max_messages: 512,
    callback(message) {
      delivered(message.seq);
      message.ack();
    },
  });
  return {
    pid: server.pid,
    /** Publishes `count` messages in windows and waits until all were delivered. */
    async pass(count: number, window: number): Promise<Passed> {
      const delays: number[] = [];
      let [left, sentAt] = [count, 0];
      const startedAt = performance.now();
      const all = new Promise<void>((resolve) => {
        delivered = () => {
          delays.push(performance.now() - sentAt);
          left -= 1;
          if (left === 0) resolve();
        };
      });
      for (let sent = 0; sent < count; sent += window) {
        sentAt = performance.now();
        await Promise.all(Array.from({ length: window }, () => js.publish(SUBJECT, PAYLOAD)));
      }
      await all;
      return { seconds: (performance.now() - startedAt) / 1000, delays };
    },
    async stop() {
      messages.stop();
      await connection.close();
      await server.stop();
      await removeHome(home);
    },
  };
}
