// Where the code of a canary comes from: a folder, something inside one, or a git ref.
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { openCheckout } from '../../src/canary/checkout.ts';

const HERE = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const home = realpathSync(mkdtempSync(join(tmpdir(), 'stoa-checkout-')));
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('the code of a canary', () => {
  test('is a checkout, also when a folder inside it is named', () => {
    expect(openCheckout(HERE, home).root).toBe(HERE);
    expect(openCheckout(join(HERE, 'services/orders'), home).root).toBe(HERE);
  });

  test('is a git ref laid out below the home, with its own workspaces and our packages', () => {
    const { root, main } = openCheckout('HEAD', home);
    expect(root.startsWith(join(home, 'canary'))).toBe(true);
    expect(existsSync(main)).toBe(true);
    expect(realpathSync(join(root, 'node_modules/@stoa/orders'))).toBe(join(root, 'services/orders'));
    expect(realpathSync(join(root, 'node_modules/pg'))).toBe(realpathSync(join(HERE, 'node_modules/pg')));
    expect(openCheckout('HEAD', home).root).toBe(root);
  });

  test('is neither, says one sentence', () => {
    expect(() => openCheckout('no-such-branch', home)).toThrow(
      '--canary: "no-such-branch" is neither a folder nor a git ref of this repository.',
    );
    expect(() => openCheckout('--version', home)).toThrow('is neither a folder nor a git ref');
    expect(() => openCheckout(home, home)).toThrow(`--canary: ${home} is no checkout of Stoa, nor inside one.`);
  });

  test('must know of canaries: an older one would take the whole work', () => {
    const old = join(home, 'old');
    mkdirSync(join(old, 'cli/src'), { recursive: true });
    writeFileSync(join(old, 'cli/src/main.ts'), '');
    expect(() => openCheckout(old, home)).toThrow('is too old to run beside another version');
  });
});
