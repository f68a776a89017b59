// The documents that the storefront sends. Constant texts: the server keeps them parsed.

export interface ProductsAnswer<Offer> {
  readonly products: {
    readonly edges: readonly { readonly node: { readonly variants: readonly Offer[] } }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

const CART = `cart {
  id version status orderId lines { sku quantity } problems { kind sku blocking }
  totals { total { currency minor } }
}`;
const ORDER_FIELDS = 'id number version status reason trackingNumber totals { total { currency minor } }';
const TOKENS = 'tokens { accessToken refreshToken }';

/** Every mutation answers a union of its payload and two failures. */
function mutation(name: string, fields: string): string {
  const Name = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return `mutation ${Name}($input: ${Name}Input!) {
  result: ${name}(input: $input) {
    __typename
    ... on ${Name}Payload { ${fields} }
    ... on Failure { code message retryable }
  }
}`;
}

export const CART_CREATE = mutation('cartCreate', CART);
export const CART_LINES_ADD = mutation('cartLinesAdd', CART).replace('CartLinesAddInput', 'CartLinesInput');
export const CART_SET_DETAILS = mutation('cartSetDetails', CART);
export const PLACE_ORDER = mutation('placeOrder', `accessToken repeated order { ${ORDER_FIELDS} }`);
export const CANCEL_ORDER = mutation('cancelOrder', `order { ${ORDER_FIELDS} }`);
export const REGISTER = mutation('register', TOKENS);
export const LOGIN = mutation('login', TOKENS);
export const REFRESH = mutation('refresh', TOKENS);

export const ORDER = `query Order($id: ID!, $accessToken: String) {
  order(id: $id, accessToken: $accessToken) { ${ORDER_FIELDS} }
}`;

export const PRODUCTS = `query Offers($after: String) {
  products(first: 100, after: $after, sort: NAME, filter: { inStock: true }) {
    edges { node { variants { sku availability price { currency minor } } } }
    pageInfo { hasNextPage endCursor }
  }
}`;

export const SHIPPING_METHODS = 'query Methods($country: String) { shippingMethods(country: $country) { id } }';
export const PAYMENT_METHODS = '{ paymentMethods { id } }';

const ordersDocuments = new Map<number, string>();

/** The document that reads so many orders, each under an alias. */
export function ordersDocument(count: number): string {
  let known = ordersDocuments.get(count);
  if (known === undefined) {
    const each = Array.from({ length: count }, (_, n) => n);
    const variables = each.map((n) => `$i${n}: ID!, $t${n}: String`).join(', ');
    const fields = each.map((n) => `o${n}: order(id: $i${n}, accessToken: $t${n}) { ${ORDER_FIELDS} }`).join('\n  ');
    known = `query Orders(${variables}) {\n  ${fields}\n}`;
    ordersDocuments.set(count, known);
  }
  return known;
}
