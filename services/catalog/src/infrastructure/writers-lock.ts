// Everything that writes the catalog takes turns: upserts and the availability consumer. Bands, facets and listings
// are derived from several tables; two writers that cannot see each other's rows would derive them from half the
// truth. Writes are few and set-based, readers never wait, so a turn costs nothing that anybody notices.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';

/** Waits for the turn, which ends with the transaction. Must be the first statement: later ones then see all of it. */
export async function takeWritersTurn(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(hashtextextended('catalog.writers', 0))`);
}
