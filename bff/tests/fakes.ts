// Services as the BFF's tests need them: they answer plausible messages and remember what they were asked.
import { create } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { implement, type RpcService } from '@stoa/chassis/rpc/implement';
import { CartSchema, CartService, CartStatus } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { CatalogService, ProductSchema, StockBand, VariantSchema } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { AccountSchema, IdentityService, Role, TokensSchema } from '@stoa/proto/stoa/identity/v1/identity_pb';
import { Category, NotificationsService } from '@stoa/proto/stoa/notifications/v1/notifications_pb';
import { type Order, OrderSchema, OrderStatus, OrderStep } from '@stoa/proto/stoa/orders/v1/order_pb';
import { type GetOrderHistoriesRequest, OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { type GetPaymentsRequest, PaymentState, PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { type GetShipmentsRequest, ShipmentState, ShippingService } from '@stoa/proto/stoa/shipping/v1/shipping_pb';

export const CART_ID = '0190a000-0000-7000-8000-0000000000c1';
export const ORDER_ID = '0190a000-0000-7000-8000-0000000000d1';
export const PRODUCT_ID = '0190a000-0000-7000-8000-0000000000e1';
export const USER = { id: '0190a000-0000-7000-8000-0000000000f1', role: 'customer' } as const;

const eur = (minor: bigint) => ({ currency: 'EUR', minor });

export const aVariant = create(VariantSchema, {
  sku: 'MUG-BLUE',
  productId: PRODUCT_ID,
  name: 'Blue',
  options: [{ name: 'Colour', value: 'Blue' }],
  price: eur(1250n),
  priceVersion: 1,
  availability: StockBand.LOW,
  productName: 'Mug',
  productSlug: 'mug',
  imageUrl: '/images/products/mug.svg',
});

export const aProduct = create(ProductSchema, {
  id: PRODUCT_ID,
  slug: 'mug',
  name: 'Mug',
  description: 'Holds coffee.',
  categoryIds: ['kitchen-id'],
  options: [{ name: 'Colour', values: ['Blue'] }],
  variants: [aVariant],
  priceFrom: eur(1250n),
  priceTo: eur(1250n),
  availability: StockBand.LOW,
});

export const aCart = create(CartSchema, {
  id: CART_ID,
  version: 3n,
  status: CartStatus.OPEN,
  currency: 'EUR',
  lines: [{ sku: 'MUG-BLUE', quantity: 2, productId: PRODUCT_ID, unitPrice: eur(1250n), lineTotal: eur(2500n) }],
  totals: { subtotal: eur(2500n), shipping: eur(490n), tax: eur(477n), total: eur(2990n) },
});

export function anOrder(version: number, status: OrderStatus = OrderStatus.PENDING, step?: OrderStep): Order {
  return create(OrderSchema, {
    id: ORDER_ID,
    number: 'S-1001',
    version: BigInt(version),
    status,
    step: step ?? (status === OrderStatus.PENDING ? OrderStep.RESERVING : OrderStep.DONE),
    cartId: CART_ID,
    lines: [{ sku: 'MUG-BLUE', quantity: 2, unitPrice: eur(1250n), lineTotal: eur(2500n) }],
    totals: { subtotal: eur(2500n), shipping: eur(490n), tax: eur(477n), total: eur(2990n) },
    placedAt: { seconds: 1_800_000_000n },
  });
}

const tokens = create(TokensSchema, { accessToken: 'access', refreshToken: 'refresh' });
const account = create(AccountSchema, { id: USER.id, email: 'ada@example.com', name: 'Ada', role: Role.CUSTOMER });

/** One call that a fake received. */
export interface Asked {
  readonly method: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests know what they asked
  readonly request: any;
  readonly header: Headers;
  readonly timeoutMs: number | undefined;
}

type Handlers = Record<string, (request: never, context: HandlerContext) => unknown>;

export interface Fakes {
  readonly services: readonly RpcService[];
  readonly asked: Asked[];
  /** Answers a method differently from now on; a function that throws refuses. */
  answer(method: string, handler: (request: never, context: HandlerContext) => unknown): void;
  /** Forgets what was asked and every different answer. */
  reset(): void;
}

const cart = () => ({ cart: aCart });
const page = { hasNextPage: true, endCursor: 'c1' };
const CATEGORY = { id: 'kitchen-id', slug: 'kitchen', name: 'Kitchen' };

const HISTORY = [1n, 2n, 3n].map((version) => ({ version, type: 'OrderPlaced', status: OrderStatus.PENDING }));

const ANSWERS: Handlers = {
  createCart: cart,
  getCart: cart,
  addLines: cart,
  updateLines: cart,
  removeLines: cart,
  setDetails: cart,
  claimCart: cart,
  listProducts: () => ({ edges: [{ product: aProduct, cursor: 'c1' }], pageInfo: page }),
  getProduct: () => ({ product: aProduct }),
  searchProducts: () => ({
    edges: [{ product: aProduct, cursor: 'c1' }],
    pageInfo: { endCursor: 'c1' },
    total: 7,
    categories: [{ categoryId: 'kitchen-id', count: 7 }],
  }),
  listCategories: () => ({ categories: [CATEGORY] }),
  getVariants: () => ({ variants: [aVariant] }),
  register: () => ({ account, tokens }),
  login: () => ({ account, tokens }),
  refresh: () => ({ tokens }),
  logout: () => ({}),
  getMe: () => ({ account }),
  placeOrder: () => ({ order: anOrder(1), accessToken: 'order-token', repeated: false }),
  getOrder: () => ({ order: anOrder(2) }),
  listOrders: () => ({ edges: [{ order: anOrder(2), cursor: 'o1' }], pageInfo: { endCursor: 'o1' } }),
  getOrderHistory: () => ({ entries: HISTORY }),
  getOrderHistories: ({ orders }: GetOrderHistoriesRequest) => ({
    histories: orders.map(({ orderId }) => ({ orderId, entries: HISTORY })),
  }),
  cancelOrder: () => ({ order: anOrder(3, OrderStatus.CANCELLED) }),
  getPayments: ({ orderIds }: GetPaymentsRequest) => ({
    payments: orderIds.map((orderId) => ({
      payment: { orderId, state: PaymentState.CAPTURED, captured: eur(2990n) },
    })),
  }),
  getShipments: ({ orderIds }: GetShipmentsRequest) => ({
    shipments: orderIds.map((orderId) => ({
      id: 's1',
      orderId,
      state: ShipmentState.CREATED,
      methodId: 'std',
      trackingNumber: 'T1',
    })),
  }),
  getPreferences: () => ({ preferences: [{ category: Category.SHIPMENT, enabled: true }] }),
  setPreference: () => ({ preferences: [{ category: Category.SHIPMENT, enabled: false }] }),
};

/** Both payments and shipping have a ListMethods. */
const OWN_ANSWERS: Record<string, Handlers> = {
  [PaymentsService.typeName]: {
    listMethods: () => ({ methods: [{ id: 'card', name: 'Card', sampleTokens: ['ok'] }] }),
  },
  [ShippingService.typeName]: { listMethods: () => ({ methods: [{ id: 'std', name: 'Standard', price: eur(490n) }] }) },
};

/** Every service that the BFF speaks to. */
export function createFakes(): Fakes {
  const asked: Asked[] = [];
  const different = new Map<string, Handlers[string]>();
  const services = [
    CartService,
    CatalogService,
    IdentityService,
    NotificationsService,
    OrdersService,
    PaymentsService,
    ShippingService,
  ].map((service) => {
    const implementation: Handlers = {};
    for (const { localName } of service.methods) {
      const usual = OWN_ANSWERS[service.typeName]?.[localName] ?? ANSWERS[localName];
      if (usual === undefined) continue;
      implementation[localName] = (request, context) => {
        asked.push({
          method: localName,
          request,
          header: new Headers(context.requestHeader),
          timeoutMs: context.timeoutMs(),
        });
        return (different.get(localName) ?? usual)(request, context);
      };
    }
    return implement(service, implementation as unknown as ServiceImpl<typeof service>);
  });
  return {
    services,
    asked,
    answer: (method, handler) => different.set(method, handler),
    reset() {
      asked.length = 0;
      different.clear();
    },
  };
}
