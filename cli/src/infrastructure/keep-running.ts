// Keeps an embedded server running: one that dies is started again on the same port, where its clients look for it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningServer, StartOptions } from './child.ts';

export interface KeptServer {
  readonly url: string;
  /** Ends it for good. */
  stop(): Promise<void>;
  /** Resolves with a sentence when it could not be brought back. */
  readonly lost: Promise<string>;
}

/** Long enough for somebody to make room on a full disk: until then each start fails. */
const restartWithinMs = 10 * 60_000;
const restartPause = { firstMs: 500, maxMs: 5000 };

export async function keepRunning(
  name: string,
  start: (options: StartOptions) => Promise<RunningServer>,
  options: StartOptions,
): Promise<KeptServer> {
  let server = await start(options);
  let stopping = false;
  const port = Number(new URL(server.url).port);

  async function restart(): Promise<boolean> {
    const until = performance.now() + restartWithinMs;
    for (let attempt = 1; performance.now() < until && !stopping; attempt += 1) {
      try {
        server = await start({ ...options, port });
        // Asked to stop meanwhile: nothing may be left running.
        if (stopping) await server.stop();
        return true;
      } catch (error) {
        options.onProgress?.(`${name} could not be started again: ${(error as Error).message}`);
        await sleep(Math.min(restartPause.maxMs, restartPause.firstMs * attempt));
      }
    }
    return stopping;
  }

  async function watch(): Promise<string> {
    for (;;) {
      const { code, signal } = await server.exited;
      if (stopping) return new Promise(() => {});
      options.onProgress?.(`${name} ended (${signal ?? `status ${code}`}); starting it again`);
      if (!(await restart())) return `${name} could not be kept running`;
    }
  }

  return {
    url: server.url,
    lost: watch(),
    async stop() {
      stopping = true;
      await server.stop();
    },
  };
}
