// Inventory's gRPC methods: reading stock, and goods coming in. Orders never come this way; see reserve-stock.ts.
import { Code, type ServiceImpl } from '@connectrpc/connect';
import type { Tx } from '@stoa/chassis/postgres/database';
import { causeOf } from '@stoa/chassis/rpc/caller';
import { failedPrecondition, refuse } from '@stoa/chassis/rpc/errors';
import type { InventoryService } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import type { InventoryContext } from '../context.ts';
import { type Line, type StockLevel, sameLines, shortfalls } from '../domain/stock.ts';
import { insertReceipt, receiptLines } from '../infrastructure/receipts.ts';
import { addUnknown, bookIn, lockLevels, readLevels } from '../infrastructure/stock.ts';
import { passGate } from '../infrastructure/stock-gate.ts';
import { tellLevels, writeLevel } from './answers.ts';
import { type Receipt, readReceipt, readSkus } from './read-requests.ts';

export function inventoryHandlers(context: InventoryContext): ServiceImpl<typeof InventoryService> {
  return {
    async getStock(request) {
      const levels = await readLevels(context.db, readSkus(request));
      return { levels: levels.map(writeLevel) };
    },

    async receiveStock(request, call) {
      const receipt = readReceipt(request);
      const options = { cause: causeOf(call), signal: call.signal };
      const levels = await context.db.transact((tx) => receive(context, tx, receipt), options);
      return { levels: levels.map(writeLevel) };
    },
  };
}

/** Books the receipt, or finds that it was booked before; the levels after it. */
async function receive(context: InventoryContext, tx: Tx, { receiptId, lines }: Receipt): Promise<StockLevel[]> {
  const skus = lines.map((line) => line.sku);
  await passGate(tx);
  if (!(await insertReceipt(tx, receiptId, lines))) {
    checkSameReceipt(await receiptLines(tx, receiptId), lines);
    return readLevels(tx, skus);
  }
  await addUnknown(tx, skus);
  const short = shortfalls(await lockLevels(tx, skus), lines);
  if (short.length > 0) {
    throw failedPrecondition('STOCK_BELOW_ZERO', `less would be left than is promised to orders: ${short.join(', ')}`);
  }
  const levels = await bookIn(tx, lines);
  tellLevels(context, tx, levels);
  return levels;
}

function checkSameReceipt(stored: readonly Line[], lines: readonly Line[]): void {
  if (sameLines(stored, lines)) return;
  throw refuse(Code.AlreadyExists, 'RECEIPT_REUSED', 'this receipt id was used for other lines');
}
