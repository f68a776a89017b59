// Deletes what every consumer has applied and nobody will ask for again. Event stores are never touched.
import type { Database } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

const KEEP_DAYS = 7;
const CHUNK = 5000;

/**
 * Deletes one chunk of a topic's rows: numbered, older than seven days, below the lowest watermark. True when there
 * may be more. A topic without any known consumer keeps everything. The newest row stays: consumers check it.
 *
 * Only what every lower number has gone with: `created_at` is when an event was written, which is not the order in which
 * events are numbered, and what is kept has no gaps.
 */
export async function deleteExpired(db: Database, topic: string): Promise<boolean> {
  const deleted = await db.run(sql`
    with lowest as (
      select id, pub_seq, created_at >= now() - make_interval(days => ${KEEP_DAYS}) as is_young
      from outbox
      where topic = ${topic} and pub_seq < (select min(seq) from consumer_progress where topic = ${topic})
      order by pub_seq limit ${CHUNK}
    ), young as (
      select min(pub_seq) as pub_seq from lowest where is_young
    )
    delete from outbox where id in (
      select lowest.id from lowest, young where lowest.pub_seq < young.pub_seq or young.pub_seq is null)`);
  return deleted === CHUNK;
}
