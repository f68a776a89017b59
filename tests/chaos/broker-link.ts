// The way between one service and the broker: a proxy in this process, which can stop passing on what either says. Nobody
// is told: connections stay open and are silent.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** It follows orders' commands and answers them: no order is confirmed without it. */
export const LINKED_SERVICE = 'inventory';
export const LINK_PRELOAD = fileURLToPath(new URL('own-broker.mjs', import.meta.url));

/** `there`: what the service says; `back`: what the broker says. */
export type Way = 'there' | 'back';

export interface BrokerLink {
  /** What the shop must be started with. */
  readonly env: Readonly<Record<string, string>>;
  /** Holds these ways up for the time of `body`, for connections that are made meanwhile as well. */
  cutOff(ways: readonly Way[], body: () => Promise<void>): Promise<void>;
  close(): void;
}

export async function openBrokerLink(): Promise<BrokerLink> {
  const folder = mkdtempSync(join(tmpdir(), 'stoa-link-'));
  const file = join(folder, 'port');
  const ends = new Map<Socket, Way>();
  let held: readonly Way[] = [];
  const pass = (way: Way, from: Socket, to: Socket) => {
    ends.set(from, way);
    from.on('data', (piece) => void to.write(piece));
    from.on('error', () => {});
    from.on('close', () => {
      ends.delete(from);
      to.destroy();
    });
    if (held.includes(way)) from.pause();
  };
  const server = createServer((service) => {
    const broker = connect(Number(readFileSync(file, 'utf8')), '127.0.0.1');
    pass('there', service, broker);
    pass('back', broker, service);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const hold = (ways: readonly Way[]) => {
    held = ways;
    for (const [end, way] of ends) {
      if (ways.includes(way)) end.pause();
      else end.resume();
    }
  };
  return {
    env: {
      CHAOS_LINK_SERVICE: LINKED_SERVICE,
      CHAOS_LINK_PORT: String((server.address() as AddressInfo).port),
      CHAOS_LINK_FILE: file,
    },
    async cutOff(ways, body) {
      if (ends.size === 0) throw new Error(`${LINKED_SERVICE} is not connected to the broker by its proxy`);
      hold(ways);
      try {
        await body();
      } finally {
        hold([]);
      }
    },
    close() {
      for (const end of [...ends.keys()]) end.destroy();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
