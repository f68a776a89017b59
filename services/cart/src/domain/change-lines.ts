// Changes to a cart's lines. What cannot be done becomes a problem and leaves its line as it was; the rest is done.
// Without quotes (catalog does not answer) additions are accepted unpriced: pricing will judge them when it can.
import {
  type Addition,
  type Cart,
  type Edited,
  LINES_MAX,
  type Line,
  type Problem,
  type ProblemKind,
  QUANTITY_MAX,
} from './cart.ts';
import type { Quotes } from './quote.ts';

export interface LineWish {
  readonly sku: string;
  readonly quantity: number;
}

type Lines = Map<string, Line>;

/** A wish that was not fulfilled: the cart is as good as before, so it blocks nothing. */
function refused(kind: ProblemKind, sku: string, message: string): Problem {
  return { kind, sku, message, blocking: false };
}

function linesOf(cart: Cart): Lines {
  return new Map(cart.lines.map((line) => [line.sku, line]));
}

const UNPRICED = {
  unitMinor: undefined,
  priceVersion: 0,
  productId: '',
  productName: '',
  variantName: '',
  imageUrl: '',
} as const;

/**
 * The line with a new quantity and today's price: whoever touches a line has seen its price. Without a usable quote
 * what was known of it stays.
 */
function touch(cart: Cart, line: Line | undefined, wish: LineWish, quotes: Quotes | undefined): Line {
  const quote = quotes?.get(wish.sku);
  if (!quote || quote.price.currency !== cart.currency) return { ...(line ?? UNPRICED), ...wish };
  const { priceVersion, productId, productName, variantName, imageUrl } = quote;
  return { ...wish, unitMinor: quote.price.minor, priceVersion, productId, productName, variantName, imageUrl };
}

function refuseAddition(cart: Cart, lines: Lines, wish: LineWish, quotes: Quotes | undefined): Problem | undefined {
  const { sku, quantity } = wish;
  const quote = quotes?.get(sku);
  if (quote === null) return refused('UNKNOWN_SKU', sku, 'this article does not exist');
  if (quote !== undefined && quote.price.currency !== cart.currency) {
    return refused('WRONG_CURRENCY', sku, `sold in ${quote.price.currency}, the cart is in ${cart.currency}`);
  }
  const line = lines.get(sku);
  if (line === undefined && lines.size >= LINES_MAX) {
    return refused('TOO_MANY_LINES', sku, `a cart holds at most ${LINES_MAX} lines`);
  }
  if ((line?.quantity ?? 0) + quantity > QUANTITY_MAX) {
    return refused('QUANTITY_INVALID', sku, `a line holds at most ${QUANTITY_MAX}; ${line?.quantity ?? 0} stay`);
  }
  return undefined;
}

/** Adds quantities; an article that is there already gets more of it. */
export function addLines(cart: Cart, wishes: readonly LineWish[], quotes: Quotes | undefined): Edited {
  const lines = linesOf(cart);
  const problems: Problem[] = [];
  for (const wish of wishes) {
    const problem = refuseAddition(cart, lines, wish, quotes);
    if (problem !== undefined) {
      problems.push(problem);
      continue;
    }
    const line = lines.get(wish.sku);
    const quantity = (line?.quantity ?? 0) + wish.quantity;
    lines.set(wish.sku, touch(cart, line, { sku: wish.sku, quantity }, quotes));
  }
  return { cart: problems.length === wishes.length ? cart : { ...cart, lines: [...lines.values()] }, problems };
}

const ADDITIONS_KEPT = 10;

/** The addition that was made under this key before. */
export function madeBefore(cart: Cart, addition: Addition | undefined): Addition | undefined {
  return cart.additions.find(({ key }) => key === addition?.key);
}

/** As `addLines`, and the cart remembers it. An addition that changed nothing is not remembered: it may be tried again. */
export function addLinesOnce(
  cart: Cart,
  addition: Addition | undefined,
  wishes: readonly LineWish[],
  quotes: Quotes | undefined,
): Edited {
  if (madeBefore(cart, addition) !== undefined) return { cart, problems: [] };
  const edited = addLines(cart, wishes, quotes);
  if (addition === undefined || edited.cart === cart) return edited;
  const additions = [...cart.additions, addition].slice(-ADDITIONS_KEPT);
  return { ...edited, cart: { ...edited.cart, additions } };
}

/** Sets quantities of lines that exist; 0 removes. */
export function updateLines(cart: Cart, wishes: readonly LineWish[], quotes: Quotes | undefined): Edited {
  const lines = linesOf(cart);
  const problems: Problem[] = [];
  let changed = false;
  for (const wish of wishes) {
    const line = lines.get(wish.sku);
    if (line === undefined) {
      if (wish.quantity > 0) problems.push(refused('UNKNOWN_SKU', wish.sku, 'this article is not in the cart'));
      continue;
    }
    const touched = touch(cart, line, wish, quotes);
    if (wish.quantity === 0) lines.delete(wish.sku);
    else lines.set(wish.sku, touched);
    changed ||= touched.quantity !== line.quantity || touched.unitMinor !== line.unitMinor;
  }
  return { cart: changed ? { ...cart, lines: [...lines.values()] } : cart, problems };
}

/** Removes lines; those that are not there are gone already. */
export function removeLines(cart: Cart, skus: readonly string[]): Edited {
  const gone = new Set(skus);
  const lines = cart.lines.filter((line) => !gone.has(line.sku));
  return { cart: lines.length === cart.lines.length ? cart : { ...cart, lines }, problems: [] };
}

/** The cart without quantities that were bought elsewhere; what is not in it cannot be taken out. */
export function takeOut(cart: Cart, bought: readonly Line[]): Cart {
  const taken = new Map(bought.map(({ sku, quantity }) => [sku, quantity]));
  const lines = cart.lines
    .map((line) => ({ ...line, quantity: line.quantity - (taken.get(line.sku) ?? 0) }))
    .filter(({ quantity }) => quantity > 0);
  return { ...cart, lines };
}

/** The lines of both carts. What does not fit is capped or left out, and told. */
export function mergeLines(cart: Cart, others: readonly Line[]): Edited {
  const lines = linesOf(cart);
  const problems: Problem[] = [];
  for (const other of others) {
    const line = lines.get(other.sku);
    if (line === undefined && lines.size >= LINES_MAX) {
      problems.push(
        refused('TOO_MANY_LINES', other.sku, `a cart holds at most ${LINES_MAX} lines; this one was left out`),
      );
      continue;
    }
    const wanted = (line?.quantity ?? 0) + other.quantity;
    if (wanted > QUANTITY_MAX) {
      problems.push(
        refused('QUANTITY_INVALID', other.sku, `a line holds at most ${QUANTITY_MAX}; ${wanted} were wanted`),
      );
    }
    lines.set(other.sku, { ...other, quantity: Math.min(wanted, QUANTITY_MAX) });
  }
  return { cart: { ...cart, lines: [...lines.values()] }, problems };
}
