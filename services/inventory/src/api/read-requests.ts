// Wire to domain: what a request must look like, every violation told at once.
import { validate } from '@stoa/chassis/rpc/validate';
import type { GetStockRequest, ReceiveStockRequest } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import type { Line } from '../domain/stock.ts';

const SKUS_MAX = 200;
const RECEIPT_LINES_MAX = 1000;
const SKU_LENGTH_MAX = 100;
/** Units of one line: far above any delivery, far below what would add up to an overflow. */
const QUANTITY_MAX = 1_000_000_000;

export function readSkus({ skus }: GetStockRequest): readonly string[] {
  validate((checks) => {
    checks.items('skus', skus, 0, SKUS_MAX);
    for (const [index, sku] of skus.entries()) checks.text(`skus[${index}]`, sku, 1, SKU_LENGTH_MAX);
  });
  return skus;
}

export interface Receipt {
  readonly receiptId: string;
  readonly lines: readonly Line[];
}

export function readReceipt({ receiptId, lines }: ReceiveStockRequest): Receipt {
  validate((checks) => {
    checks.uuid('receipt_id', receiptId);
    checks.items('lines', lines, 1, RECEIPT_LINES_MAX);
    const seen = new Set<string>();
    for (const [index, { sku, quantity }] of lines.entries()) {
      const field = `lines[${index}]`;
      checks.text(`${field}.sku`, sku, 1, SKU_LENGTH_MAX);
      checks.require(sku === sku.trim(), `${field}.sku`, 'must not begin or end with a space');
      checks.require(!seen.has(sku), `${field}.sku`, 'must not occur twice');
      checks.integer(`${field}.quantity`, quantity, -QUANTITY_MAX, QUANTITY_MAX);
      seen.add(sku);
    }
  });
  return { receiptId: receiptId.toLowerCase(), lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) };
}
