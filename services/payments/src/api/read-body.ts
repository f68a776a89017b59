// Bodies of plain HTTP requests, whose senders nobody knows yet.
import type { IncomingMessage } from 'node:http';
import type { PaymentsContext } from '../context.ts';

const BODY_MAX_BYTES = 64 * 1024;
/** Longest wait for a body that trickles in. */
const BODY_DEADLINE_MS = 5000;

/** The bytes as they came; undefined when they are too many or too slow. */
export async function readBody({ clock }: PaymentsContext, request: IncomingMessage): Promise<Buffer | undefined> {
  const done = new AbortController();
  void clock.sleep(BODY_DEADLINE_MS, done.signal).then(() => {
    if (!done.signal.aborted) request.destroy();
  });
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > BODY_MAX_BYTES) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    done.abort();
  }
}
