import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clearData } from '../../../cli/src/infrastructure/clear-data.ts';
import { serviceNames } from '../../../cli/src/load-services.ts';
import { gone } from '../support/process-tree.ts';
import type { Shop } from '../support/shop.ts';
import { done, fullCart, outcome, plentifulSkus, purchase, withStorefront } from '../support/shopper.ts';
import { runStoa } from '../support/stoa-command.ts';

/** One line of at most so many characters: a sentence, and no stack trace. */
const SENTENCE = /^stoa \w+: [^\n]{10,250}\n$/;

export function lifecycle(shop: () => Shop, split: boolean): void {
  const start = split ? ['start', '--split'] : ['start'];

  describe('a second start', () => {
    test('on the same home is refused with one sentence; the first one goes on', async () => {
      expect(shop().running()).toMatchObject({ url: shop().url });
      const { status, stderr } = await runStoa(start, { ...shop().env, PORT: '0' });
      expect(status).toBe(1);
      expect(stderr).toMatch(SENTENCE);
      expect(stderr).toContain('already running');
      expect((await fetch(`${shop().url}/health/ready`)).status).toBe(200);
    });

    test('on a port that is taken says so in one sentence and leaves nothing running', async () => {
      expect(shop().running()).toMatchObject({ url: shop().url });
      const home = mkdtempSync(join(tmpdir(), `stoa-e2e-${process.pid}-`));
      try {
        const { status, stderr, seen } = await runStoa(start, { STOA_HOME: home, PORT: String(shop().port) });
        expect(status).toBe(1);
        expect(stderr).toContain(String(shop().port));
        expect(stderr).toMatch(SENTENCE);
        await gone(seen, 0);
      } finally {
        await clearData(home);
        rmSync(home, { recursive: true, force: true });
      }
    });
  });

  describe('stopping', () => {
    test.each(['SIGTERM', 'SIGINT'] as const)(
      'by %s ends cleanly, and the next start has all the data',
      async (signal) => {
        await withStorefront(shop(), 1, async (storefront) => {
          const [sku = ''] = await plentifulSkus(storefront);
          const cartId = await fullCart(storefront, [{ sku, quantity: 1 }]);
          const { order, accessToken } = done(await storefront.placeOrder(purchase(cartId)));
          const { status, had, stdout, stderr } = await shop().stop(signal);
          expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
          expect(stdout).toMatch(new RegExp(`Stoa is stopping \\(${signal}\\)\n$`));
          if (split) expect(notDrained(shop())).toEqual([]);
          expect(had.length).toBeGreaterThan(2);
          await gone(had, 0);
          await shop().start();
          expect(await outcome(storefront, { id: order.id, accessToken })).toMatchObject({ status: 'CONFIRMED' });
        });
      },
    );
  });
}

/** Services whose process ended before it was done, each with its last words. */
function notDrained({ home }: Shop): string[] {
  return serviceNames().flatMap((name) => {
    const lines = readFileSync(join(home, 'logs', `${name}.log`), 'utf8')
      .trim()
      .split('\n');
    const last = lines.at(-1) ?? '';
    return JSON.parse(last).msg === 'stopped' ? [] : [`${name}: ${lines.slice(-3).join(' ')}`];
  });
}

export function resetting(shop: () => Shop): void {
  describe('stoa reset', () => {
    test('is refused with one sentence while the shop runs, and deletes its data afterwards', async () => {
      const refused = await shop().stoa('reset');
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(SENTENCE);
      expect((await fetch(`${shop().url}/health/ready`)).status).toBe(200);
      await shop().stop('SIGTERM');
      const cleared = await shop().stoa('reset');
      expect(cleared).toMatchObject({ status: 0, stderr: '' });
      for (const data of ['nats', 'postgres']) expect(existsSync(join(shop().home, data)), data).toBe(false);
    });
  });
}
