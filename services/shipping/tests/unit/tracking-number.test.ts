// The check digit, for all serials.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTrackingNumber, SERIAL_LENGTH, trackingNumber } from '../../src/domain/tracking-number.ts';

const digit = fc.nat(9);
const serial = fc.array(digit, { minLength: SERIAL_LENGTH, maxLength: SERIAL_LENGTH }).map((list) => list.join(''));

function replaceAt(text: string, index: number, by: string): string {
  return text.slice(0, index) + by + text.slice(index + by.length);
}

test('every tracking number is valid and keeps its serial', () => {
  fc.assert(
    fc.property(serial, (digits) => {
      const number = trackingNumber(digits);
      expect(isTrackingNumber(number)).toBe(true);
      expect(number.slice(2, -1)).toBe(digits);
    }),
  );
});

test("the check digit is GS1's", () => {
  // GS1's example of an SSCC: 106141411234567897.
  expect(trackingNumber('10614141123456789')).toBe('ST106141411234567897');
  expect(trackingNumber('00000000000000000')).toBe('ST000000000000000000');
});

test('one wrong digit is noticed, wherever it is', () => {
  fc.assert(
    fc.property(serial, fc.nat(SERIAL_LENGTH), fc.integer({ min: 1, max: 9 }), (digits, index, shift) => {
      const number = trackingNumber(digits);
      const wrong = String((Number(number[index + 2]) + shift) % 10);
      expect(isTrackingNumber(replaceAt(number, index + 2, wrong))).toBe(false);
    }),
  );
});

test('two swapped neighbours are noticed unless they differ by five', () => {
  fc.assert(
    fc.property(serial, fc.nat(SERIAL_LENGTH - 1), (digits, index) => {
      const number = trackingNumber(digits);
      const [left, right] = [number[index + 2] as string, number[index + 3] as string];
      fc.pre(left !== right && Math.abs(Number(left) - Number(right)) !== 5);
      expect(isTrackingNumber(replaceAt(number, index + 2, right + left))).toBe(false);
    }),
  );
});

test('a serial of the wrong length makes no tracking number', () => {
  expect(() => trackingNumber('123')).toThrow('17 digits');
  expect(isTrackingNumber('ST123')).toBe(false);
  expect(isTrackingNumber('XX106141411234567897')).toBe(false);
});
