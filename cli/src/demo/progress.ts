// Where the demo is: one line that is written over on a terminal, a line now and then anywhere else.
import type { Tally } from './tally.ts';

export interface Progress {
  /** Removes the line, so that something else can be printed. */
  stop(): void;
}

const TERMINAL_EVERY_MS = 100;
const PLAIN_EVERY_MS = 5000;
const BAR_WIDTH = 24;

/** "[#####...] 120/500 ..." Exported for tests. */
export function progressLine(
  total: number,
  done: number,
  tally: Pick<Tally, 'counts' | 'rejectedCount' | 'errorCount'>,
) {
  const { accepted, confirmed, retried } = tally.counts;
  const filled = Math.min(BAR_WIDTH, Math.floor((BAR_WIDTH * done) / Math.max(1, total)));
  const bar = `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
  const parts = [`${accepted} accepted`, `${confirmed} confirmed`, `${tally.rejectedCount()} rejected`];
  if (retried > 0) parts.push(`${retried} retried`);
  if (tally.errorCount() > 0) parts.push(`${tally.errorCount()} errors`);
  return `${bar} ${done}/${total}  ${parts.join(', ')}`;
}

export function showProgress(out: NodeJS.WritableStream, total: number, done: () => number, tally: Tally): Progress {
  const isTerminal = (out as { isTTY?: boolean }).isTTY === true;
  let last = '';
  const timer = setInterval(
    () => {
      const line = progressLine(total, done(), tally);
      if (line === last) return;
      last = line;
      out.write(isTerminal ? `\r\x1b[2K${line}` : `${line}\n`);
    },
    isTerminal ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS,
  );
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      if (isTerminal) out.write('\r\x1b[2K');
    },
  };
}
