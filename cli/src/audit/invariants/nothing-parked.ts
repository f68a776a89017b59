// I21: no message was set aside. One that is parked waits for an operator, and what follows it of its aggregate too.
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Invariant } from '../invariant.ts';
import { SERVICE_DATABASES } from '../topology.ts';

interface Row {
  readonly consumer: string;
  readonly topic: string;
  readonly seq: bigint;
  readonly type: string;
  readonly aggregate_id: string;
  readonly error: string;
}

export const nothingParked: Invariant = {
  id: 'I21',
  title: 'no message is parked',
  needs: ['orders'],
  isShopWide: true,
  async check(look) {
    const found = collect();
    let resolved = 0n;
    for (const name of SERVICE_DATABASES.filter((database) => look.has(database))) {
      const rows = await look.at(name).rows(sql<Row>`
        select consumer, topic, seq, type, aggregate_id, error from parked_event
        where resolved_at is null order by consumer, topic, seq`);
      for (const { consumer, topic, seq, type, aggregate_id, error } of rows) {
        found.add({ key: `${consumer} ${topic} ${seq}`, text: `${type} of ${aggregate_id}: ${error}` });
      }
      const counted = await look.at(name).one(sql<{ count: bigint }>`
        select count(*) from parked_event where resolved_at is not null`);
      resolved += counted.count;
    }
    return found.outcome([resolved, 'settled by operators']);
  },
};
