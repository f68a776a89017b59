// A TCP proxy that makes a network slow: every piece is late, bandwidth is shared, and now and then nothing moves. Run as
// a process of its own under another user, so that the packet filter can tell its connections from everybody else's.
// node tests/chaos/proxy.ts PORT
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const LATENCY_MS = { least: 50, spread: 100 };
const BYTES_PER_MS = 125;
const STALL = { share: 0.05, ms: 1000 };

/** When the line is free again: all connections share it. */
let lineFreeAt = 0;

/** Passes on what comes, in order, each piece after its latency and its share of the line. */
async function pump(from: Socket, to: Socket): Promise<void> {
  let last = Promise.resolve();
  from.on('data', (piece: Buffer) => {
    const now = performance.now();
    lineFreeAt = Math.max(lineFreeAt, now) + piece.length / BYTES_PER_MS;
    const stall = Math.random() < STALL.share ? STALL.ms : 0;
    const due = lineFreeAt + LATENCY_MS.least + Math.random() * LATENCY_MS.spread + stall;
    last = Promise.all([last, sleep(due - now)]).then(() => void to.write(piece));
  });
  from.on('end', () => void last.then(() => to.end()));
  for (const event of ['error', 'close'] as const) from.on(event, () => to.destroy());
}

const port = Number(process.argv[2]);
const server = createServer((client) => {
  const upstream = connect(port, '127.0.0.1');
  void pump(client, upstream);
  void pump(upstream, client);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as { port: number }).port}\n`);
});
