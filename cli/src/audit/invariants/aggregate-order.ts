// I14: in each topic, the versions of an aggregate rise by one with the numbers that consumers follow.
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Invariant } from '../invariant.ts';
import { SERVICE_DATABASES } from '../topology.ts';

interface Row {
  readonly topic: string;
  readonly aggregate_id: string;
  readonly pub_seq: bigint;
  readonly aggregate_version: bigint;
  readonly previous: bigint | null;
}

export const aggregateOrder: Invariant = {
  id: 'I14',
  title: 'aggregates keep their order',
  needs: ['orders'],
  async check(look) {
    const found = collect();
    let events = 0n;
    for (const name of SERVICE_DATABASES.filter((database) => look.has(database))) {
      // A topic whose beginning was deleted, after seven days, may begin with any version of an aggregate.
      const rows = await look.at(name).rows(sql<Row>`
        with versions as (
          select topic, aggregate_id, pub_seq, aggregate_version,
            lag(aggregate_version) over (partition by topic, aggregate_id order by pub_seq) as previous
          from outbox where aggregate_version is not null and pub_seq is not null
        ), begun as (select topic, min(pub_seq) as lowest from outbox group by topic)
        select v.topic, v.aggregate_id, v.pub_seq, v.aggregate_version, v.previous
        from versions v join begun b on b.topic = v.topic
        where case when v.previous is null then b.lowest = 1 and v.aggregate_version <> 1
          else v.aggregate_version <> v.previous + 1 end
        order by v.topic, v.pub_seq`);
      for (const { topic, aggregate_id, pub_seq, aggregate_version, previous } of rows) {
        const text = `version ${aggregate_version} follows ${previous ?? 'nothing'}`;
        found.add({ key: `${topic} ${pub_seq}, ${aggregate_id}`, text });
      }
      const counted = await look.at(name).one(sql<{ count: bigint }>`
        select count(*) from outbox where aggregate_version is not null`);
      events += counted.count;
    }
    return found.outcome([events, 'versioned events']);
  },
};
