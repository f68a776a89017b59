import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { accessToken, type BffUnderTest, startBff } from '../bff-under-test.ts';
import { CART_ID, createFakes, USER } from '../fakes.ts';

const fakes = createFakes();
let bff: BffUnderTest;
beforeAll(async () => {
  bff = await startBff({ fakes: fakes.services, env: { STOA_TRUSTED_PROXIES: '1' } });
});
afterEach(() => fakes.reset());
afterAll(() => bff.stop());

const token = accessToken(USER);

describe('what goes with every call', () => {
  test('the user’s token, the trace, the mark of the edge, the client’s address and what is left of 8 s', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { headers } = await bff.graphql(`{ cart(id: "${CART_ID}") { id } }`, { token, headers: { traceparent } });
    expect(headers.get('x-trace-id')).toBe('0af7651916cd43dd8448eb211c80319c');
    const [call] = fakes.asked;
    expect(call?.header.get('authorization')).toBe(`Bearer ${token}`);
    expect(call?.header.get('traceparent')).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
    );
    expect(call?.header.get('x-stoa-edge')).toBe('1');
    expect(call?.header.get('x-stoa-client-address')).toContain('127.0.0.1');
    expect(call?.timeoutMs).toBeLessThanOrEqual(8000);
  });

  test('the canary that the request is pinned to, and nothing else that stands in its place', async () => {
    const relayed = async (pin: string) => {
      fakes.reset();
      await bff.graphql('{ categories { id } }', { headers: { 'x-stoa-canary': pin } });
      return fakes.asked[0]?.header.get('x-stoa-canary');
    };
    expect(await relayed('orders')).toBe('orders');
    expect(await relayed('always')).toBe('always');
    expect(await relayed('orders, cart')).toBeNull();
    expect(await relayed('Orders')).toBeNull();
  });

  test('no canary in production, unless it is said that anybody may ask for one', async () => {
    const relayed = async (env: Record<string, string>) => {
      const production = await startBff({ fakes: fakes.services, env: { STOA_ENV: 'production', ...env } });
      fakes.reset();
      await production.graphql('{ categories { id } }', { headers: { 'x-stoa-canary': 'orders' } });
      await production.stop();
      expect(fakes.asked).not.toEqual([]);
      return fakes.asked[0]?.header.get('x-stoa-canary');
    };
    expect(await relayed({})).toBeNull();
    expect(await relayed({ STOA_CANARY_PINS: 'somebody' })).toBeNull();
    expect(await relayed({ STOA_CANARY_PINS: 'anybody' })).toBe('orders');
  });

  test('behind a proxy of ours the client is whom that proxy saw, not whom the client claims to be', async () => {
    const asked = async (forwarded: string) => {
      fakes.reset();
      await bff.graphql('{ categories { id } }', { headers: { 'x-forwarded-for': forwarded } });
      return fakes.asked[0]?.header.get('x-stoa-client-address');
    };
    expect(await asked('6.6.6.6, 203.0.113.7')).toBe('203.0.113.7');
    expect(await asked('2001:db8::7')).toBe('2001:db8:0:0::/64');
    expect(await asked('<script>')).toContain('127.0.0.1');
  });

  test('a client that goes away cancels the calls made for it', async () => {
    const cancelled = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    fakes.answer('getCart', async (_, context) => {
      context.signal.addEventListener('abort', () => cancelled.resolve());
      started.resolve();
      await cancelled.promise;
      return {};
    });
    const client = new AbortController();
    const request = fetch(`${bff.url}/graphql?query=${encodeURIComponent(`{ cart(id: "${CART_ID}") { id } }`)}`, {
      signal: client.signal,
    });
    request.catch(() => {});
    await started.promise;
    client.abort();
    await cancelled.promise;
  });
});
