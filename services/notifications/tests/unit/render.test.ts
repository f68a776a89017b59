// What the mails say.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type MailOrder, renderMail } from '../../src/domain/render.ts';
import { CATEGORIES, categoryOf, type TemplateName } from '../../src/domain/template.ts';

const TEMPLATES: readonly TemplateName[] = ['order-confirmed', 'order-rejected', 'order-cancelled', 'order-shipped'];
const OPTIONS = { recipientName: 'Ada Lovelace', shopName: 'Stoa', locale: 'en' };
const eur = (minor: bigint) => ({ currency: 'EUR', minor });

const ORDER: MailOrder = {
  number: 'S-1042',
  lines: [
    { product: 'Oak table', variant: 'Large', quantity: 1, total: eur(24900n) },
    { product: 'Chair', variant: '', quantity: 4, total: eur(19996n) },
  ],
  totals: { subtotal: eur(44896n), shipping: eur(0n), tax: eur(7168n), total: eur(44896n) },
  reason: '',
  trackingNumber: '',
};

test('a confirmation names the order, every line and every amount', () => {
  const { subject, text } = renderMail('order-confirmed', ORDER, OPTIONS);
  expect(subject).toBe('Your order S-1042 is confirmed');
  expect(text).toBe(`Hello Ada Lovelace,

thank you for your order S-1042. It is paid and will be on its way soon.

  1 x Oak table, Large: €249.00
  4 x Chair: €199.96

  Subtotal: €448.96
  Shipping: €0.00
  Tax: €71.68
  Total: €448.96

Stoa
`);
});

test('a shipment mail carries the tracking number, and says nothing of one when there is none', () => {
  expect(renderMail('order-shipped', { ...ORDER, trackingNumber: 'ZX-99' }, OPTIONS).text).toContain(
    '\nTracking number: ZX-99\n',
  );
  expect(renderMail('order-shipped', ORDER, OPTIONS).text).not.toContain('Tracking');
});

test('a rejection explains a known reason, never shows a code, and says that nothing was charged', () => {
  const known = renderMail('order-rejected', { ...ORDER, reason: 'CARD_DECLINED' }, OPTIONS).text;
  expect(known).toContain('Your payment was declined.');
  expect(known).toContain('You have not been charged.');
  for (const reason of ['SOME_NEW_REASON', 'constructor', '']) {
    const text = renderMail('order-rejected', { ...ORDER, reason }, OPTIONS).text;
    expect(text).toContain('could not be completed.\n');
    expect(text).not.toMatch(/SOME_NEW_REASON|constructor|undefined/);
  }
});

test('amounts have the decimals of their currency', () => {
  const inCurrency = (currency: string) => {
    const total = { currency, minor: 1500n };
    return renderMail('order-cancelled', { ...ORDER, lines: [], totals: { ...ORDER.totals, total } }, OPTIONS).text;
  };
  expect(inCurrency('JPY')).toContain('Total: ¥1,500');
  expect(inCurrency('KWD')).toMatch(/Total: KWD\s1\.500/);
});

test('without a name the greeting stands alone', () => {
  expect(renderMail('order-confirmed', ORDER, { ...OPTIONS, recipientName: ' ' }).text).toMatch(/^Hello,\n/);
});

test('what comes from outside stays on its line, whatever it contains', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...TEMPLATES), (outside, template) => {
      const order = {
        ...ORDER,
        number: outside,
        lines: [{ product: outside, variant: outside, quantity: 1, total: eur(1n) }],
        trackingNumber: `T${outside}`,
      };
      const plain = renderMail(
        template,
        { ...order, number: 'n', trackingNumber: 'T', lines: ORDER.lines.slice(0, 1) },
        OPTIONS,
      );
      const mail = renderMail(template, order, { ...OPTIONS, recipientName: `N${outside}` });
      expect(mail.subject).not.toMatch(/[\r\n\p{Cc}]/u);
      expect(mail.text.split('\n').length).toBe(plain.text.split('\n').length);
      expect(mail.text.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
    }),
  );
});

test('every template belongs to a category that a customer can switch off', () => {
  for (const template of TEMPLATES) expect(CATEGORIES).toContain(categoryOf(template));
  expect(categoryOf('order-shipped')).toBe('SHIPMENT');
});
