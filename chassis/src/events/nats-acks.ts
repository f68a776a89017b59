// Publishes windows of messages to JetStream and collects their acknowledgements through one subscription for the
// whole connection. The library's own publish is a request of its own for each message, with a timer, a promise and two
// errors whose stacks are captured in case it should fail: a fifth of the cost of sending.
import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import type { Log } from '../log.ts';
import type { Clock } from '../runtime.ts';
import { guarded } from './guarded.ts';

export interface Outgoing {
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs;
}

/** Sends a window; resolves with the highest stream sequence once all are stored, rejects when any may not be. */
export type PublishWindow = (subject: string, window: readonly Outgoing[]) => Promise<bigint>;

interface Open {
  left: number;
  last: number;
  readonly end: (error?: Error) => void;
}

interface Ack {
  readonly seq?: number;
  readonly error?: { readonly code: number; readonly description: string };
}

/** What an acknowledgement says: the sequence, or why the message was not stored. */
function readAck(message: Msg): number | Error {
  // Nobody listens on the subject: the stream is gone.
  if (message.headers?.code === 503) return new Error('no stream takes this subject');
  const { seq, error } = message.json<Ack>();
  if (error !== undefined) return new Error(`the broker refused a message: ${error.description} (${error.code})`);
  return seq ?? new Error('an acknowledgement without a sequence');
}

export interface PublishWindowOptions {
  /** A subject that only this connection listens to. */
  readonly inbox: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export function createPublishWindow(
  connection: NatsConnection,
  { inbox, timeoutMs, clock, log }: PublishWindowOptions,
): PublishWindow {
  const open = new Map<string, Open>();
  let windows = 0;
  connection.subscribe(`${inbox}.*`, {
    callback: guarded((failure: Error | null, message: Msg) => {
      if (failure !== null) return;
      const name = message.subject.slice(inbox.length + 1);
      const window = open.get(name);
      // Late: its window was given up, and is sent again as a whole.
      if (window === undefined) return;
      const ack = readAck(message);
      if (typeof ack !== 'number') return window.end(ack);
      window.last = Math.max(window.last, ack);
      window.left -= 1;
      if (window.left === 0) window.end();
    }, log),
  });

  return async (subject, messages) => {
    const name = String(++windows);
    const over = new AbortController();
    let failure: Error | undefined;
    const window: Open = {
      left: messages.length,
      last: 0,
      end(error) {
        failure = error;
        over.abort('ended');
      },
    };
    open.set(name, window);
    const reply = `${inbox}.${name}`;
    try {
      for (const { payload, headers } of messages) connection.publish(subject, payload, { headers, reply });
      await clock.sleep(timeoutMs, over.signal);
    } finally {
      open.delete(name);
    }
    if (!over.signal.aborted)
      throw new Error(`timeout: ${window.left} of ${messages.length} messages not acknowledged`);
    if (failure !== undefined) throw failure;
    return BigInt(window.last);
  };
}
