// Stripe counts some currencies in other units than ISO 4217 does (docs.stripe.com/currencies): ISK and UGX with two
// decimals for history's sake, MGA without any.

/** Stripe's unit is ours times ten to this power. */
const SHIFT: Readonly<Record<string, number>> = { ISK: 2, UGX: 2, MGA: -2 };

/** The amount as Stripe wants it; throws where it has no such amount. */
export function toStripe(amountMinor: bigint, currency: string): number {
  const shift = SHIFT[currency] ?? 0;
  const unit = 10n ** BigInt(Math.abs(shift));
  if (shift < 0 && amountMinor % unit !== 0n) throw new RangeError(`Stripe has no ${amountMinor} ${currency}`);
  const amount = Number(shift < 0 ? amountMinor / unit : amountMinor * unit);
  if (!Number.isSafeInteger(amount)) throw new RangeError(`Stripe has no ${amountMinor} ${currency}`);
  return amount;
}

/** Stripe's amount as ours; undefined when it is none, which is then read as an answer that nobody can read. */
export function fromStripe(amount: unknown, currency: string): bigint | undefined {
  if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || amount < 0) return undefined;
  const shift = SHIFT[currency] ?? 0;
  const unit = 10n ** BigInt(Math.abs(shift));
  if (shift > 0 && BigInt(amount) % unit !== 0n) return undefined;
  return shift > 0 ? BigInt(amount) / unit : BigInt(amount) * unit;
}
