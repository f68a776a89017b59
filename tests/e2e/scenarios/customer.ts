import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Storefront, Tokens } from '../../../cli/src/demo/storefront.ts';
import { ask } from '../support/http.ts';
import type { Shop } from '../support/shop.ts';
import { done, fullCart, outcome, plentifulSkus, purchase, withStorefront } from '../support/shopper.ts';

const PASSWORD = 'correct horse battery staple';

export function registeredCustomer(shop: () => Shop): void {
  describe('a registered customer', () => {
    test('registers, signs in and is known by the access token', async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const email = freshEmail();
        done(await storefront.register({ email, name: 'Ada', password: PASSWORD }));
        expect(await storefront.register({ email, name: 'Ada', password: PASSWORD })).toMatchObject({
          code: 'EMAIL_TAKEN',
        });
        expect(await storefront.login({ email, password: 'not the password' })).toMatchObject({
          code: 'BAD_CREDENTIALS',
        });
        const { tokens } = done(await storefront.login({ email, password: PASSWORD }));
        const me = await ask(shop().url, '{ me { email name role } }', {}, bearer(tokens));
        expect(me.data.me).toEqual({ email, name: 'Ada', role: 'CUSTOMER' });
        expect((await ask(shop().url, '{ me { email } }')).data.me).toBeNull();
      });
    });

    test('a refresh token is spent by its use; an old one that comes again ends the session', async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const first = await signUp(storefront);
        const { tokens: second } = done(await storefront.refresh(first.refreshToken));
        expect(second.refreshToken).not.toBe(first.refreshToken);
        expect(await storefront.refresh(first.refreshToken)).toMatchObject({ code: 'REFRESH_TOKEN_SUPERSEDED' });
        const { tokens: third } = done(await storefront.refresh(second.refreshToken));
        expect(await storefront.refresh(first.refreshToken)).toMatchObject({ code: 'REFRESH_TOKEN_INVALID' });
        expect(await storefront.refresh(third.refreshToken)).toMatchObject({ code: 'REFRESH_TOKEN_INVALID' });
      });
    });

    test('logout ends the session', async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const { refreshToken } = await signUp(storefront);
        const LOGOUT = 'mutation ($input: LogoutInput!) { logout(input: $input) { ... on LogoutPayload { done } } }';
        const { data } = await ask(shop().url, LOGOUT, { input: { refreshToken } });
        expect(data.logout).toEqual({ done: true });
        expect(await storefront.refresh(refreshToken)).toMatchObject({ code: 'REFRESH_TOKEN_INVALID' });
      });
    });

    test("sees the own orders, newest first, and nobody else's", async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const [tokens, stranger] = [await signUp(storefront), await signUp(storefront)];
        const caller = { accessToken: tokens.accessToken };
        const [sku = ''] = await plentifulSkus(storefront);
        const placed: string[] = [];
        for (let n = 0; n < 3; n += 1) {
          const cartId = await fullCart(storefront, [{ sku, quantity: 1 }], caller);
          const { order } = done(await storefront.placeOrder(purchase(cartId), caller));
          placed.unshift(order.id);
          await outcome(storefront, { id: order.id, accessToken: '' }, caller);
        }
        expect(await ordersOf(shop(), tokens)).toEqual(placed);
        expect(await ordersOf(shop(), stranger)).toEqual([]);
        const peek = await ask(
          shop().url,
          'query ($id: ID!) { order(id: $id) { id } }',
          { id: placed[0] },
          bearer(stranger),
        );
        expect(peek.data.order).toBeNull();
        const guest = await ask(shop().url, '{ orders { edges { cursor } } }');
        expect(guest.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
      });
    });

    test("takes a guest's cart along by claiming it", async () => {
      await withStorefront(shop(), 1, async (storefront) => {
        const tokens = await signUp(storefront);
        const [sku = ''] = await plentifulSkus(storefront);
        const cartId = await fullCart(storefront, [{ sku, quantity: 1 }]);
        const CLAIM =
          'mutation ($input: CartClaimInput!) { cartClaim(input: $input) { ... on CartClaimPayload { cart { id lines { sku } } } } }';
        const { data } = await ask(shop().url, CLAIM, { input: { cartId } }, bearer(tokens));
        expect(data.cartClaim.cart.lines).toEqual([{ sku }]);
        expect(
          (await ask(shop().url, 'query ($id: ID!) { cart(id: $id) { id } }', { id: cartId })).data.cart,
        ).toBeNull();
      });
    });
  });
}

export const freshEmail = () => `e2e-${randomUUID()}@example.test`;

export const bearer = ({ accessToken }: Pick<Tokens, 'accessToken'>) => ({ authorization: `Bearer ${accessToken}` });

export async function signUp(storefront: Storefront): Promise<Tokens> {
  return done(await storefront.register({ email: freshEmail(), name: 'Ada', password: PASSWORD })).tokens;
}

interface OwnOrders {
  readonly edges: readonly { readonly node: { readonly id: string } }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const OWN_ORDERS = `query ($after: String) {
  orders(first: 2, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } }
}`;

/** Ids of all orders of the customer, page by page. */
async function ordersOf(shop: Shop, tokens: Tokens): Promise<string[]> {
  const ids: string[] = [];
  let after: string | null = null;
  for (;;) {
    const { edges, pageInfo }: OwnOrders = (await ask(shop.url, OWN_ORDERS, { after }, bearer(tokens))).data.orders;
    ids.push(...edges.map(({ node }) => node.id));
    if (!pageInfo.hasNextPage) return ids;
    after = pageInfo.endCursor;
  }
}
