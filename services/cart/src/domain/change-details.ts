// Changes to a cart's details, and the union of two carts.
import type { Address, Cart, Details, Edited } from './cart.ts';
import { mergeLines } from './change-lines.ts';

function sameAddress(a: Address | undefined, b: Address | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (Object.keys(a) as (keyof Address)[]).every((field) => a[field] === b[field]);
}

/** Sets what is given; the rest stays. */
export function setDetails(cart: Cart, details: Details): Edited {
  const email = details.email ?? cart.email;
  const address = details.address ?? cart.address;
  const shippingMethodId = details.shippingMethodId ?? cart.shippingMethodId;
  const same = email === cart.email && shippingMethodId === cart.shippingMethodId && sameAddress(address, cart.address);
  return { cart: same ? cart : { ...cart, email, address, shippingMethodId }, problems: [] };
}

/** Takes a guest's cart into the customer's: quantities add up, and the customer's own details win over the guest's. */
export function mergeCarts(customers: Cart, guests: Cart): Edited {
  const { cart, problems } = mergeLines(customers, guests.lines);
  const { email = guests.email, address = guests.address, shippingMethodId = guests.shippingMethodId } = customers;
  return { cart: { ...cart, email, address, shippingMethodId }, problems };
}
