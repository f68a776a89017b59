// Which methods a customer may choose, and what is decided about a shipment.
import { expect, test } from 'vitest';
import { type Method, offersFor } from '../../src/domain/method.ts';
import { decideShipment } from '../../src/domain/shipment.ts';

function method(id: string, countries: string[], prices: Record<string, bigint>): Method {
  return { id, name: id, description: '', minDays: 1, maxDays: 2, countries, prices: new Map(Object.entries(prices)) };
}

const anywhere = method('anywhere', [], { EUR: 490n, USD: 540n });
const local = method('local', ['DE', 'AT'], { EUR: 0n });
const ids = (country: string, currency: string) =>
  offersFor([anywhere, local], country, currency).map((offer) => offer.method.id);

test('a method is offered where it delivers and where it has a price', () => {
  expect(ids('DE', 'EUR')).toEqual(['anywhere', 'local']);
  expect(ids('FR', 'EUR')).toEqual(['anywhere']);
  expect(ids('DE', 'USD')).toEqual(['anywhere']);
  expect(ids('DE', 'JPY')).toEqual([]);
});

test('without a country every method with a price is listed', () => {
  expect(ids('', 'EUR')).toEqual(['anywhere', 'local']);
});

test('a price of zero is a price', () => {
  expect(offersFor([local], 'AT', 'EUR')).toEqual([{ method: local, currency: 'EUR', minor: 0n }]);
});

test('a shipment is made with any method that exists, and refused with any other', () => {
  const draw = { id: 'id', trackingNumber: 'ST' };
  const request = { orderId: 'o', methodId: 'local' };
  expect(decideShipment(request, new Set(['local']), draw)).toEqual({ kind: 'shipment', request, draw });
  expect(decideShipment(request, new Set(), draw)).toEqual({ kind: 'refused', request, reason: 'UNKNOWN_METHOD' });
});
