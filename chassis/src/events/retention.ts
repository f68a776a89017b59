// Deletes what every consumer has applied and nobody will ask for again. Event stores are never touched.
import type { Database } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

const KEEP_DAYS = 7;
const CHUNK = 5000;

/**
 * Deletes one chunk of a topic's rows: numbered, older than seven days, below the lowest watermark. True when there
 * may be more. A topic without any known consumer keeps everything. The newest row stays: consumers check it.
 */
export async function deleteExpired(db: Database, topic: string): Promise<boolean> {
  const deleted = await db.run(sql`
    delete from outbox where id in (
      select id from outbox
      where topic = ${topic}
        and pub_seq < (select min(seq) from consumer_progress where topic = ${topic})
        and created_at < now() - make_interval(days => ${KEEP_DAYS})
      order by pub_seq limit ${CHUNK})`);
  return deleted === CHUNK;
}
