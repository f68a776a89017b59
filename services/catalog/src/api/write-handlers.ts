// The writing methods: what is stored and what is derived from it commit together, one writer at a time.
import type { ServiceImpl } from '@connectrpc/connect';
import { causeOf } from '@stoa/chassis/rpc/caller';
import { failedPrecondition } from '@stoa/chassis/rpc/errors';
import type { CatalogService } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import type { CatalogContext } from '../context.ts';
import { findCategoryConflicts, findCycle, productsBelow, storeCategories } from '../infrastructure/categories.ts';
import { refreshProducts } from '../infrastructure/refresh-products.ts';
import { findConflicts, storeProducts } from '../infrastructure/store-products.ts';
import { takeWritersTurn } from '../infrastructure/writers-lock.ts';
import { readCategories, readProducts } from './read-upserts.ts';

type WriteHandlers = Pick<ServiceImpl<typeof CatalogService>, 'upsertProducts' | 'upsertCategories'>;
interface Conflict {
  readonly reason: keyof typeof sentences;
  readonly value: string;
}

const sentences = {
  SLUG_TAKEN: 'belongs to another one',
  SKU_TAKEN: 'belongs to another product',
  CATEGORY_UNKNOWN: 'is no category',
  PARENT_UNKNOWN: 'is no category',
  CATEGORY_CYCLE: 'would stand above itself',
};

export function writeHandlers({ db, config }: CatalogContext): WriteHandlers {
  return {
    async upsertProducts(request, call) {
      const drafts = readProducts(request, config.currency);
      if (drafts.length === 0) return { written: 0 };
      await db.transact(
        async (tx) => {
          await takeWritersTurn(tx);
          refuseOn(await findConflicts(tx, drafts));
          await storeProducts(tx, drafts);
          await refreshProducts(
            tx,
            drafts.map((draft) => draft.id),
          );
        },
        { cause: causeOf(call), signal: call.signal },
      );
      return { written: drafts.length };
    },

    async upsertCategories(request, call) {
      const categories = readCategories(request);
      if (categories.length === 0) return { written: 0 };
      await db.transact(
        async (tx) => {
          await takeWritersTurn(tx);
          refuseOn(await findCategoryConflicts(tx, categories));
          const changed = await storeCategories(tx, categories);
          const cycle = await findCycle(tx);
          refuseOn(cycle === undefined ? [] : [{ reason: 'CATEGORY_CYCLE', value: cycle }]);
          await refreshProducts(tx, await productsBelow(tx, changed));
        },
        { cause: causeOf(call), signal: call.signal },
      );
      return { written: categories.length };
    },
  };
}

/** Refuses with the first conflict's reason and all values that share it. */
function refuseOn(conflicts: readonly Conflict[]): void {
  const reason = conflicts[0]?.reason;
  if (reason === undefined) return;
  const values = conflicts.filter((conflict) => conflict.reason === reason).map((conflict) => conflict.value);
  const list = values.join(', ');
  throw failedPrecondition(reason, `${list} ${sentences[reason]}`, { values: list });
}
