// The messages that every variant of the benchmark sends, and the handler that every server runs.
import { create } from '@bufbuild/protobuf';
import {
  type GetVariantsRequest,
  GetVariantsRequestSchema,
  type GetVariantsResponse,
  GetVariantsResponseSchema,
  StockBand,
} from '@stoa/proto/stoa/catalog/v1/catalog_pb';

function variant(number: number) {
  return {
    sku: `SKU-${number}-BLACK-M`,
    productId: '0198f2c6-7d1e-7c3a-9a57-3f2d1c9b8a70',
    name: `Linen shirt, black, size M (${number})`,
    options: [
      { name: 'Colour', value: 'Black' },
      { name: 'Size', value: 'M' },
    ],
    price: { minor: 4_990n, currency: 'EUR' },
    priceVersion: 7,
    availability: StockBand.IN_STOCK,
    productName: 'Linen shirt',
    productSlug: 'linen-shirt',
    imageUrl: 'https://images.example/linen-shirt/black.jpg',
  };
}

const numbers = Array.from({ length: 10 }, (_, index) => index);

export const REQUESTS = {
  /** One SKU, an empty answer: the cost of a call itself. */
  small: create(GetVariantsRequestSchema, { skus: ['SKU-1'] }),
  /** What pricing a cart of ten lines sends; the answer has about 2 kB. */
  cart: create(GetVariantsRequestSchema, { skus: numbers.map((number) => `SKU-${number}-BLACK-M`) }),
};

export type RequestName = keyof typeof REQUESTS;

const NONE = create(GetVariantsResponseSchema, {});
const TEN = create(GetVariantsResponseSchema, { variants: numbers.map(variant) });

export function getVariants(request: GetVariantsRequest): GetVariantsResponse {
  return request.skus.length > 1 ? TEN : NONE;
}

export const PATH = '/stoa.catalog.v1.CatalogService/GetVariants';
export const DEADLINE_MS = 2_000;
