// W3C trace context: a call continues its caller's trace with a span id of its own, or begins a trace.
import type { Random } from '../runtime.ts';

const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/;
const POOL_BYTES = 4_096;

/** The trace id of a traceparent; empty when there is none. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** Makes the traceparent of a call from its caller's (undefined or unreadable: a new trace). */
export type Tracer = (parent: string | undefined) => string;

/** Random ids are cut from a pool, because asking the system for eight bytes costs as much as asking for thousands. */
export function createTracer(random: Random): Tracer {
  let pool = Buffer.alloc(0);
  let used = 0;
  const hex = (bytes: number): string => {
    if (used + bytes > pool.length) {
      pool = Buffer.from(random.bytes(POOL_BYTES));
      used = 0;
    }
    const text = pool.toString('hex', used, used + bytes);
    used += bytes;
    return text;
  };
  return (parent) => {
    const continued = parent === undefined ? null : TRACEPARENT.exec(parent);
    return continued === null ? `00-${hex(16)}-${hex(8)}-01` : `00-${continued[1]}-${hex(8)}-${continued[2]}`;
  };
}
