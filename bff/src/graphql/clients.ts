// The services that the BFF speaks to. Made once: a client holds no state of a request.
import type { DescService } from '@bufbuild/protobuf';
import type { Client } from '@connectrpc/connect';
import { CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { CatalogService } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { IdentityService } from '@stoa/proto/stoa/identity/v1/identity_pb';
import { NotificationsService } from '@stoa/proto/stoa/notifications/v1/notifications_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import { ShippingService } from '@stoa/proto/stoa/shipping/v1/shipping_pb';

export interface Clients {
  readonly cart: Client<typeof CartService>;
  readonly catalog: Client<typeof CatalogService>;
  readonly identity: Client<typeof IdentityService>;
  readonly notifications: Client<typeof NotificationsService>;
  readonly orders: Client<typeof OrdersService>;
  readonly payments: Client<typeof PaymentsService>;
  readonly shipping: Client<typeof ShippingService>;
}

/** Clients of every service that the schema needs. */
export function createClients(client: <S extends DescService>(service: S) => Client<S>): Clients {
  return {
    cart: client(CartService),
    catalog: client(CatalogService),
    identity: client(IdentityService),
    notifications: client(NotificationsService),
    orders: client(OrdersService),
    payments: client(PaymentsService),
    shipping: client(ShippingService),
  };
}
