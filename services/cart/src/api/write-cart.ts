// A priced cart into its message.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { CartProblemKind, type CartSchema, CartStatus } from '@stoa/proto/stoa/cart/v1/cart_pb';
import type { Problem } from '../domain/cart.ts';
import type { PricedCart, PricedLine } from '../domain/price-cart.ts';

export type CartMessage = MessageInitShape<typeof CartSchema>;

function writeLine(line: PricedLine) {
  const { sku, quantity, productId, productName, variantName, imageUrl, unitPrice, lineTotal, priceVersion } = line;
  const { previousUnitPrice } = line;
  return {
    sku,
    quantity,
    productId,
    productName,
    variantName,
    imageUrl,
    unitPrice,
    lineTotal,
    priceVersion,
    ...(previousUnitPrice && { previousUnitPrice }),
  };
}

function writeProblem({ kind, sku, message, blocking }: Problem) {
  return { kind: CartProblemKind[kind], sku, message, blocking };
}

/** `refused`: what could not be done of the request that is being answered. */
export function writeCart(priced: PricedCart, refused: readonly Problem[] = []): CartMessage {
  const { cart, lines, totals, problems } = priced;
  return {
    id: cart.id,
    version: cart.version,
    status: cart.orderId === undefined ? CartStatus.OPEN : CartStatus.ORDERED,
    customerId: cart.customerId ?? '',
    currency: cart.currency,
    lines: lines.map(writeLine),
    email: cart.email ?? '',
    ...(cart.address && { address: cart.address }),
    shippingMethodId: cart.shippingMethodId ?? '',
    totals,
    problems: [...refused, ...problems].map(writeProblem),
    orderId: cart.orderId ?? '',
    updatedAt: timestampFromDate(cart.updatedAt),
  };
}
