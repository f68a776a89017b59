import { readConfig } from '@stoa/chassis/config';
import { expect, test } from 'vitest';
import { config } from '../../src/config/config.ts';

test('a secret that could be guessed signs no access tokens', () => {
  const read = (secret: string) => () => readConfig(config, { STOA_ORDER_TOKEN_SECRET: secret });
  expect(read('x'.repeat(31))).toThrow('STOA_ORDER_TOKEN_SECRET: its value must have at least 32 characters');
  expect(read('x'.repeat(32))).not.toThrow();
});
