// A purchase that adds up, and the saga's data for it.
import type { Purchase } from '../../src/domain/order.ts';
import type { CheckoutData } from '../../src/saga/checkout.ts';

export const eur = (minor: bigint) => ({ currency: 'EUR', minor });

const line = (sku: string, quantity: number, unit: bigint) => ({
  sku,
  quantity,
  productId: `product of ${sku}`,
  productName: `Name of ${sku}`,
  variantName: 'Blue',
  unitPrice: eur(unit),
  lineTotal: eur(unit * BigInt(quantity)),
  priceVersion: 3,
});

export const purchase: Purchase = {
  id: '0190a000-0000-7000-8000-000000000001',
  number: 'ABCDEFGHJK',
  customerId: '',
  cartId: '0190a000-0000-7000-8000-000000000002',
  cartVersion: 4n,
  lines: [line('MUG', 2, 1999n), line('CAP', 1, 2500n)],
  totals: { subtotal: eur(6498n), shipping: eur(490n), tax: eur(1116n), total: eur(6988n) },
  shippingMethodId: 'standard',
  paymentMethodId: 'card',
};

export const data: CheckoutData = {
  orderId: purchase.id,
  lines: [
    { sku: 'MUG', quantity: 2 },
    { sku: 'CAP', quantity: 1 },
  ],
  holdSeconds: 1800,
  currency: 'EUR',
  totalMinor: '6988',
  paymentMethodId: 'card',
  paymentToken: 'tok_approve',
  shippingMethodId: 'standard',
  paymentActionSeconds: 600,
};
