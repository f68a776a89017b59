// What a storefront sends: constant documents with the fields that its pages show.

const MONEY = 'currency minor formatted';
const CART = `cart {
  id version status problems { kind sku blocking message }
  lines { sku quantity productName variantName imageUrl unitPrice { ${MONEY} } lineTotal { ${MONEY} } }
  totals { subtotal { ${MONEY} } shipping { ${MONEY} } tax { ${MONEY} } total { ${MONEY} } }
}`;
const ORDER = `id number version status reason
  lines { sku quantity productName variantName lineTotal { ${MONEY} } } totals { total { ${MONEY} } }`;

function mutation(name: string, input: string, payload: string, fields: string): string {
  return `mutation($input: ${input}!) { result: ${name}(input: $input) {
  __typename ... on ${payload} { ${fields} } ... on Failure { code message } } }`;
}

export const CART_CREATE = mutation('cartCreate', 'CartCreateInput', 'CartCreatePayload', CART);
export const CART_LINES_ADD = mutation('cartLinesAdd', 'CartLinesInput', 'CartLinesAddPayload', CART);
export const CART_SET_DETAILS = mutation('cartSetDetails', 'CartSetDetailsInput', 'CartSetDetailsPayload', CART);
export const PLACE_ORDER = mutation(
  'placeOrder',
  'PlaceOrderInput',
  'PlaceOrderPayload',
  `accessToken repeated order { ${ORDER} }`,
);
export const SHIPPING_METHODS = `query($country: String) {
  shippingMethods(country: $country) { id name description minDays maxDays price { ${MONEY} } } }`;
export const ORDER_BY_ID = `query($id: ID!, $accessToken: String) {
  order(id: $id, accessToken: $accessToken) { ${ORDER} trackingNumber history { type occurredAt status } } }`;

export const PRODUCT = `query($slug: String!) { product(slug: $slug) {
  id slug name description imageUrl availability priceFrom { ${MONEY} } priceTo { ${MONEY} }
  options { name values } categories { slug name }
  variants { sku name availability price { ${MONEY} } options { name value } } } }`;
const CARD = `node { id slug name imageUrl availability priceFrom { ${MONEY} } priceTo { ${MONEY} } }`;
export const LISTING = `query($category: String, $after: String) {
  products(first: 20, after: $after, filter: { category: $category }) {
    edges { cursor ${CARD} } pageInfo { hasNextPage endCursor } } }`;
export const SEARCH = `query($term: String!) { search(term: $term, first: 20) {
  total edges { cursor ${CARD} } pageInfo { hasNextPage endCursor } } }`;
