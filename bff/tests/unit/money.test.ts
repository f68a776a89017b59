import { create } from '@bufbuild/protobuf';
import { MoneySchema } from '@stoa/proto/stoa/common/v1/money_pb';
import { expect, test } from 'vitest';
import { formatted, parseMinor } from '../../src/graphql/money.ts';

const money = (currency: string, minor: bigint) => create(MoneySchema, { currency, minor });

test('amounts are shown with the decimals of their currency, exactly', () => {
  expect(formatted(money('EUR', 1250n))).toBe('€12.50');
  expect(formatted(money('JPY', 1200n))).toBe('¥1,200');
  expect(formatted(money('EUR', -5n))).toBe('-€0.05');
  expect(formatted(money('EUR', 9_007_199_254_740_993_01n))).toBe('€9,007,199,254,740,993.01');
});

test('a currency nobody knows shows its code instead of failing the whole answer', () => {
  expect(formatted(money('XXZ', 1250n))).toBe('1250 XXZ');
});

test('only integers that fit the wire are amounts', () => {
  expect(parseMinor('1250')).toBe(1250n);
  expect(parseMinor('-1')).toBe(-1n);
  for (const text of ['', '12.5', '1e3', ' 1', '0x1', '9223372036854775808', '१२'])
    expect(parseMinor(text)).toBeUndefined();
});
