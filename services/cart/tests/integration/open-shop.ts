// Cart on a real database, beside a catalog and a shipping service whose answers a test sets.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { reasonOf } from '@stoa/chassis/rpc/errors';
import { systemRuntime } from '@stoa/chassis/runtime';
import { fake } from '@stoa/chassis/testing/fake';
import { testService } from '@stoa/chassis/testing/test-service';
import { type CartProblem, CartProblemKind, CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { CatalogService, StockBand, type VariantSchema } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import type { MoneySchema } from '@stoa/proto/stoa/common/v1/money_pb';
import { type ShippingMethodSchema, ShippingService } from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import { inject } from 'vitest';
import { cart } from '../../src/service.ts';

type VariantInit = MessageInitShape<typeof VariantSchema>;
type MethodInit = MessageInitShape<typeof ShippingMethodSchema>;
type Money = MessageInitShape<typeof MoneySchema>;

/** What a test may change of a variant. */
interface Offer {
  readonly price?: Money;
  readonly priceVersion?: number;
  readonly availability?: StockBand;
}

type Mood = 'answers' | 'refuses' | 'hangs';

export const ada = { id: '0190a000-0000-7000-8000-00000000000a', role: 'customer' } as const;
export const bob = { id: '0190a000-0000-7000-8000-00000000000b', role: 'customer' } as const;
export const nobodysCart = '0190a000-0000-7000-8000-0000000000ff';

export const address = {
  name: 'Ada Lovelace',
  line1: '1 Analytical Road',
  line2: '',
  city: 'Berlin',
  postalCode: '10115',
  country: 'DE',
};
export const details = { email: 'ada@example.org', address, shippingMethodId: 'standard' };

export const eur = (minor: bigint) => ({ currency: 'EUR', minor });

async function inMood(mood: Mood, call: HandlerContext): Promise<void> {
  if (mood === 'refuses') throw new ConnectError('down', Code.Unavailable);
  if (mood === 'hangs') await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
}

export async function openShop(env: Readonly<Record<string, string>> = {}) {
  const variants = new Map<string, VariantInit>();
  const sell = (sku: string, minor: bigint, over: Offer = {}) =>
    variants.set(sku, {
      sku,
      price: eur(minor),
      priceVersion: 1,
      availability: StockBand.IN_STOCK,
      productId: `product of ${sku}`,
      productName: `Name of ${sku}`,
      name: 'Blue',
      ...over,
    });
  const methods: MethodInit[] = [
    { id: 'standard', price: eur(490n) },
    { id: 'german', price: eur(300n), countries: ['DE'] },
    { id: 'dollars', price: { currency: 'USD', minor: 600n } },
  ];
  const state = {
    catalog: 'answers' as Mood,
    shipping: 'answers' as Mood,
    catalogCalls: 0,
    shippingCalls: 0,
    lateMs: 0,
  };
  const runtime = systemRuntime();
  const service = await testService(cart, {
    postgresUrl: inject('postgresUrl'),
    env,
    runtime: { clock: { ...runtime.clock, monotonicMs: () => runtime.clock.monotonicMs() + state.lateMs } },
    fakes: [
      fake(CatalogService, {
        async getVariants({ skus }, call) {
          state.catalogCalls++;
          await inMood(state.catalog, call);
          return { variants: skus.flatMap((sku) => variants.get(sku) ?? []) };
        },
      }),
      fake(ShippingService, {
        async listMethods({ country, currency }, call) {
          state.shippingCalls++;
          await inMood(state.shipping, call);
          const delivers = (method: MethodInit) =>
            country === '' || !method.countries?.length || method.countries.includes(country);
          return { methods: methods.filter((method) => method.price?.currency === currency && delivers(method)) };
        },
      }),
    ],
  });
  sell('MUG', 1999n);
  sell('CAP', 2500n);
  sell('USD', 100n, { price: { currency: 'USD', minor: 100n } });
  sell('SOLD-OUT', 100n, { availability: StockBand.OUT_OF_STOCK });
  return { ...service, state, sell, variants, methods, guest: service.client(CartService) };
}

export type Shop = Awaited<ReturnType<typeof openShop>>;

/** The error of a call that must fail. */
export async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error('the call was expected to fail');
}

/** Code and reason of a call that must fail. */
export async function refused(call: Promise<unknown>): Promise<[string, string | undefined]> {
  const error = await refusal(call);
  return [Code[error.code], reasonOf(error)];
}

/** Problems as "KIND sku" or "KIND", blocking ones with an exclamation mark. */
export function told(problems: readonly CartProblem[] | undefined): string[] {
  const names = new Map(Object.entries(CartProblemKind).map(([name, value]) => [value as number, name]));
  return (problems ?? []).map(
    ({ kind, sku, blocking }) => `${names.get(kind)}${sku && ` ${sku}`}${blocking ? '!' : ''}`,
  );
}

/** Lines as "2 MUG". */
export function held(cart: { readonly lines: readonly { sku: string; quantity: number }[] } | undefined): string[] {
  return (cart?.lines ?? []).map(({ sku, quantity }) => `${quantity} ${sku}`);
}

export async function newCart(shop: Shop, lines = [{ sku: 'MUG', quantity: 1 }], client = shop.guest) {
  const { cart } = await client.createCart({ lines, details });
  if (cart === undefined) throw new Error('no cart was answered');
  return cart;
}
