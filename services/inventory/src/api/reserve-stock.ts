// ReserveStock: hold stock for orders, all lines of an order or none. Five statements whatever the batch's size: gate,
// known reservations, stock rows, then what was decided, then the stock. Nothing but this consumer inserts
// reservations, and the gate lets one consumer in at a time: an order not seen before the gate is still not there.
import type { Received } from '@stoa/chassis/events/envelope';
import type { Tx } from '@stoa/chassis/postgres/database';
import type { ReserveStock, ReserveStockSchema } from '@stoa/proto/stoa/inventory/v1/commands_pb';
import type { InventoryContext } from '../context.ts';
import { allocate, type Demand } from '../domain/allocation.ts';
import type { Reservation } from '../domain/reservation.ts';
import { sumLines } from '../domain/stock.ts';
import { insertReservations, lockReservations } from '../infrastructure/reservations.ts';
import { lockLevels, promise } from '../infrastructure/stock.ts';
import { closeGate } from '../infrastructure/stock-gate.ts';
import { answerReserveFrom, tellLevels } from './answers.ts';

type Commands = readonly Received<typeof ReserveStockSchema>[];

export async function reserveStock(tx: Tx, batch: Commands, context: InventoryContext): Promise<void> {
  await closeGate(tx);
  const orderIds = batch.map(({ message }) => message.orderId);
  const known = await lockReservations(tx, orderIds);
  const unseen = batch.filter(({ message }) => !known.has(message.orderId));
  const decided = unseen.length === 0 ? new Map<string, Reservation>() : await decide(tx, unseen, context);
  for (const { message, cause } of batch) {
    const reservation = known.get(message.orderId) ?? decided.get(message.orderId);
    if (reservation === undefined) throw new Error(`order ${message.orderId} was neither known nor decided`);
    answerReserveFrom(context, tx, reservation, cause);
  }
}

/** Allocates stock to orders that were not seen before, stores the outcome and tells the levels that changed. */
async function decide(tx: Tx, commands: Commands, context: InventoryContext): Promise<Map<string, Reservation>> {
  const demands = commands.map(({ message }) => readDemand(message));
  const skus = new Set(demands.flatMap(({ lines }) => lines.map((line) => line.sku)));
  const levels = await lockLevels(tx, [...skus]);
  const decisions = allocate(levels, demands).map((allocation, index) => {
    const command = commands[index] as Commands[number];
    return { allocation, holdSeconds: command.message.holdSeconds, cause: command.cause };
  });
  const ends = await insertReservations(tx, decisions);
  const held = decisions.flatMap(({ allocation, cause }) =>
    allocation.kind === 'held' ? [{ lines: allocation.lines, cause }] : [],
  );
  if (held.length > 0) {
    const changed = await promise(tx, sumLines(held.flatMap(({ lines }) => lines)));
    tellLevels(context, tx, changed, held);
  }
  return new Map(
    decisions.map(({ allocation }) => {
      const { orderId } = allocation;
      const base = { orderId, expiresAt: ends.get(orderId), overdue: false };
      return [
        orderId,
        allocation.kind === 'held'
          ? { ...base, state: 'HELD', lines: allocation.lines, reason: '', blockingSkus: [] }
          : { ...base, state: 'REFUSED', lines: [], reason: allocation.reason, blockingSkus: allocation.skus },
      ];
    }),
  );
}

function readDemand({ orderId, lines }: ReserveStock): Demand {
  return { orderId, lines: lines.map(({ sku, quantity }) => ({ sku, quantity: BigInt(quantity) })) };
}
