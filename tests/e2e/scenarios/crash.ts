import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { survives } from '../support/order-stream.ts';
import { killAll, processIn, stillRunning } from '../support/process-tree.ts';
import type { Shop } from '../support/shop.ts';

export function crashing(shop: () => Shop, split: boolean): void {
  describe('every accepted order comes to an end', () => {
    test('after kill -9 of Node, NATS and PostgreSQL while orders are placed', async () => {
      await survives(shop(), async () => {
        await shop().kill();
        await shop().start();
      });
    });

    test("after the same, with the broker's storage deleted while it is down", async () => {
      await survives(shop(), async () => {
        await shop().kill();
        rmSync(join(shop().home, 'nats', 'store'), { recursive: true });
        await shop().start();
      });
    });

    if (split) {
      test.each(['orders', 'payments'])('after kill -9 of %s alone, which is started again', async (name) => {
        await survives(shop(), async () => {
          const victim = serviceIn(shop(), name);
          await killAll([victim]);
          await eventually(() => expect(serviceIn(shop(), name).pid).not.toBe(victim.pid));
          expect(shop().said()).toContain(`${name} ended (SIGKILL); starting it again`);
        });
      });
    }
  });

  describe('a start', () => {
    test('after kill -9 of the command alone ends what that has left and serves again, on the same addresses', async () => {
      const before = addresses(shop());
      expect(before).toBeDefined();
      const [command, ...left] = shop().tree();
      if (command === undefined) throw new Error('the shop does not run');
      // It cannot see that the command is gone, and keeps its port until it is ended.
      if (split) process.kill(serviceIn(shop(), 'payments').pid, 'SIGSTOP');
      await killAll([command]);
      await shop().start();
      expect(stillRunning(left)).toEqual([]);
      expect(addresses(shop())).toEqual(before);
      expect((await fetch(`${shop().url}/health/ready`)).status).toBe(200);
    });
  });
}

/** Those that others keep: where the shop is, and where a customer was sent to. */
const addresses = (shop: Shop) => /GraphQL +\S+\n +payments +\S+/.exec(shop.said())?.[0];

/** The process that hosts this service alone. */
const serviceIn = (shop: Shop, name: string) => processIn(shop.tree(), new RegExp(`main\\.ts host ${name}$`));
