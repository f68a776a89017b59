// I15: every committed event has a number, numbers have no gap, and the head is the last of them.
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Finding, type Invariant } from '../invariant.ts';
import { SERVICE_DATABASES, TOPICS } from '../topology.ts';

interface Row {
  readonly topic: string;
  readonly has_head: boolean;
  readonly seq: bigint;
  readonly published: bigint;
  /** Somebody numbers it at present. */
  readonly runs: boolean;
  readonly numbered: bigint;
  readonly lowest: bigint;
  readonly highest: bigint;
  readonly waiting: bigint;
  readonly overdue: bigint;
}

export const denseNumbering: Invariant = {
  id: 'I15',
  title: 'event numbers have no gap',
  needs: ['orders'],
  isShopWide: true,
  async check(look) {
    const found = collect();
    let events = 0n;
    let topics = 0;
    for (const name of SERVICE_DATABASES.filter((database) => look.has(database))) {
      // Numbering takes milliseconds; an event that has none after ten seconds was passed over.
      const rows = await look.at(name).rows(sql<Row>`
        select coalesce(h.topic, o.topic) as topic, h.topic is not null as has_head, coalesce(h.seq, 0) as seq,
          coalesce(h.published, 0) as published, coalesce(h.lease_until > now(), false) as runs,
          coalesce(o.numbered, 0) as numbered, coalesce(o.lowest, 0) as lowest, coalesce(o.highest, 0) as highest,
          coalesce(o.waiting, 0) as waiting, coalesce(o.overdue, 0) as overdue
        from outbox_head h full join (
          select topic, count(pub_seq) as numbered, min(pub_seq) as lowest, max(pub_seq) as highest,
            count(*) filter (where pub_seq is null) as waiting,
            count(*) filter (where pub_seq is null and created_at < now() - interval '10 seconds') as overdue
          from outbox group by topic) o on o.topic = h.topic
        order by 1`);
      topics += rows.length;
      for (const row of rows) {
        events += row.numbered;
        const finding = problemOf(row);
        if (finding !== undefined) found.add({ key: `topic ${row.topic}`, ...finding });
      }
    }
    return found.outcome([topics, 'topics'], [events, 'numbered events']);
  },
};

function problemOf(row: Row): Omit<Finding, 'key'> | undefined {
  const { topic, has_head, seq, published, runs, numbered, lowest, highest, waiting, overdue } = row;
  const text = (() => {
    if (!has_head) return `${numbered + waiting} events of a topic without a head`;
    if (numbered > 0n && highest - lowest + 1n !== numbered) return `${numbered} numbers from ${lowest} to ${highest}`;
    if (lowest > 1n && TOPICS.some((one) => one.topic === topic && one.isEventStore)) return `begins with ${lowest}`;
    if (seq !== highest) return `the head is ${seq}, the last number ${highest}`;
    if (published > seq) return `${published} published of ${seq} numbered`;
    return undefined;
  })();
  if (text !== undefined) return { text };
  if (waiting === 0n) return undefined;
  return { text: `${waiting} events wait for a number`, isWaiting: overdue === 0n || !runs };
}
