import { describe, expect, test } from 'vitest';
import type { Shop } from '../support/shop.ts';

export function auditing(shop: () => Shop): void {
  describe('stoa audit', () => {
    test('finds every invariant kept, after all that was done to the shop', async () => {
      const { status, stdout, stderr } = await shop().stoa('audit', '--settle', '60');
      expect(status, `${stdout}${stderr}`).toBe(0);
    });
  });
}
