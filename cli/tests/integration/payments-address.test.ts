// Where `stoa start` puts payments' webhooks and the sandbox's page.
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePorts } from '../../src/infrastructure/ports.ts';
import { paymentsAddress } from '../../src/start/port.ts';

const portOf = async (port: number) => Number((await paymentsAddress({}, port)).STOA_PAYMENTS_WEBHOOK_PORT);

test('the environment decides', async () => {
  const port = { STOA_PAYMENTS_WEBHOOK_PORT: '4711' };
  expect(await paymentsAddress(port, 4000)).toEqual({
    ...port,
    STOA_PAYMENTS_SANDBOX_PUBLIC_URL: 'http://localhost:4711',
  });
  const both = { ...port, STOA_PAYMENTS_SANDBOX_PUBLIC_URL: 'https://bank.example' };
  expect(await paymentsAddress(both, 4000)).toEqual(both);
});

test('else it is the port after the shop’s, or any free one where that is taken or does not exist', async () => {
  const [shop = 0] = await freePorts(1);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.once('error', () => resolve()).listen(shop + 1, '127.0.0.1', resolve));
  try {
    expect(await portOf(shop)).not.toBe(shop + 1);
  } finally {
    if (taken.listening) await new Promise((resolve) => taken.close(resolve));
  }
  for (const none of [0, 65_535]) expect(await portOf(none)).toBeGreaterThan(1);
});
