// What each shopper of the demo does: drawn from the seed and the purchase's number alone.
import { type Draw, drawFrom } from './random.ts';
import type { Address } from './storefront.ts';

/** How often the same request is sent, to show that one key makes one order. */
export type Repetition = 'none' | 'sequential' | 'parallel';

/** What the sandbox does with a token, as its README tells. */
export interface Card {
  readonly token: string;
  /** The reason of the rejection; undefined when the order is to be confirmed. */
  readonly rejectedFor?: string;
  /** Seconds rather than milliseconds: nobody waits for it before buying again. */
  readonly isSlow?: boolean;
}

export interface Plan {
  readonly index: number;
  /** Number of the registered customer; undefined for a guest. */
  readonly customer: number | undefined;
  readonly lineCount: number;
  /** Cart in one mutation, or in three. */
  readonly isShort: boolean;
  readonly card: Card;
  readonly repetition: Repetition;
  readonly address: Address;
  /** Goes on where the plan's own draws ended: for SKUs, quantities, shipping. */
  readonly draw: Draw;
}

const APPROVED: Card = { token: 'tok_approve' };
/** In per mille of all purchases; the rest is approved. */
const CARDS: readonly (readonly [number, Card])[] = [
  [60, { token: 'tok_decline', rejectedFor: 'CARD_DECLINED' }],
  [10, { token: 'tok_insufficient_funds', rejectedFor: 'INSUFFICIENT_FUNDS' }],
  [10, { token: 'tok_require_action', rejectedFor: 'AUTHENTICATION_REQUIRED' }],
  [10, { token: 'tok_fail_capture', rejectedFor: 'CAPTURE_REFUSED' }],
  [20, { token: 'tok_error_once' }],
  [4, { token: 'tok_charge_then_hang', isSlow: true }],
];
const CUSTOMERS_PERCENT = 40;
const SHORT_PERCENT = 50;
const REPEATED_PERCENT = 5;

const FIRST_NAMES = ['Demo Ada', 'Demo Ben', 'Demo Cleo', 'Demo Dan', 'Demo Eve', 'Demo Finn', 'Demo Gil'];
const LAST_NAMES = ['Example', 'Sample', 'Testcase', 'Placeholder', 'Fixture'];
const PLACES: readonly Pick<Address, 'city' | 'postalCode' | 'country'>[] = [
  { city: 'Exampleburg', postalCode: '10115', country: 'DE' },
  { city: 'Testville', postalCode: '75001', country: 'FR' },
  { city: 'Sampleton', postalCode: 'EC1A 1BB', country: 'GB' },
  { city: 'Fixture Falls', postalCode: '97201', country: 'US' },
  { city: 'Probedorf', postalCode: '1010', country: 'AT' },
];

export function planPurchase(seed: number, index: number, customers: number): Plan {
  const draw = drawFrom(seed, index);
  return {
    index,
    customer: customers > 0 && draw.chance(CUSTOMERS_PERCENT) ? draw.below(customers) : undefined,
    lineCount: 1 + draw.below(3),
    isShort: draw.chance(SHORT_PERCENT),
    card: drawCard(draw),
    repetition: draw.chance(REPEATED_PERCENT) ? draw.pick(['sequential', 'parallel'] as const) : 'none',
    address: {
      name: `${draw.pick(FIRST_NAMES)} ${draw.pick(LAST_NAMES)}`,
      line1: `${1 + draw.below(99)} Nowhere Street`,
      ...draw.pick(PLACES),
    },
    draw,
  };
}

function drawCard(draw: Draw): Card {
  let place = draw.below(1000);
  for (const [share, card] of CARDS) {
    if (place < share) return card;
    place -= share;
  }
  return APPROVED;
}
