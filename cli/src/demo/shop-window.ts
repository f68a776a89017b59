// What there is to buy, and how it can be sent: read once, before the first purchase.
import type { Result } from './graphql.ts';
import type { Draw } from './random.ts';
import type { Line, Offer, Storefront } from './storefront.ts';

export interface ShopWindow {
  readonly paymentMethodId: string;
  /** Lines of different articles. `avoid` names those that turned out not to be there. */
  chooseLines(draw: Draw, count: number, avoid: ReadonlySet<string>): Line[];
  shippingTo(country: string, draw: Draw): Promise<Result<{ readonly id: string }>>;
}

/** Scarce articles are offered too, but seldom: the demo is about checkouts, not about a sold-out shop. */
const SCARCE_PERCENT = 2;
const PAGES_MAX = 50;

export async function openShopWindow(storefront: Storefront): Promise<Result<{ readonly window: ShopWindow }>> {
  const [offers, methods] = await Promise.all([allOffers(storefront), storefront.paymentMethods()]);
  if (!offers.ok) return offers;
  if (!methods.ok) return methods;
  const paymentMethodId = methods.ids[0];
  const plenty = skusOf(offers.offers, 'IN_STOCK');
  const scarce = skusOf(offers.offers, 'LOW');
  if (paymentMethodId === undefined || plenty.length === 0) {
    return { ok: false, code: 'NOTHING_TO_BUY', message: 'the shop offers nothing to buy', retryable: false };
  }
  const shipping = new Map<string, Promise<Result<{ ids: string[] }>>>();
  const window: ShopWindow = {
    paymentMethodId,
    chooseLines(draw, count, avoid) {
      const chosen = new Map<string, number>();
      for (let tries = 0; chosen.size < count && tries < 20 * count; tries++) {
        const sku = draw.pick(scarce.length > 0 && draw.chance(SCARCE_PERCENT) ? scarce : plenty);
        if (!avoid.has(sku)) chosen.set(sku, 1 + draw.below(3));
      }
      return [...chosen].map(([sku, quantity]) => ({ sku, quantity }));
    },
    async shippingTo(country, draw) {
      const known = shipping.get(country) ?? storefront.shippingMethods(country);
      shipping.set(country, known);
      const answer = await known;
      if (!answer.ok) shipping.delete(country);
      return answer.ok ? { ok: true, id: draw.pick(answer.ids) } : answer;
    },
  };
  return { ok: true, window };
}

const skusOf = (offers: readonly Offer[], availability: Offer['availability']) =>
  offers
    .filter((offer) => offer.availability === availability)
    .map(({ sku }) => sku)
    .sort();

async function allOffers(storefront: Storefront): Promise<Result<{ offers: Offer[] }>> {
  const offers: Offer[] = [];
  let after: string | null = null;
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer: Result<{ offers: Offer[]; next: string | null }> = await storefront.offers(after);
    if (!answer.ok) return answer;
    offers.push(...answer.offers);
    after = answer.next;
    if (after === null) break;
  }
  return { ok: true, offers };
}
