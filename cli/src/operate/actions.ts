// The record of what operators did: who, why, when, to what. Written in the transaction of the deed, in the database of
// the service whose data it changed.
import type { Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Json } from '@stoa/chassis/saga/define';
import type { ShopData } from './shop-data.ts';
import { SERVICE_DATABASES } from './topology.ts';

/** Who acts, and why. */
export interface Warrant {
  readonly by: string;
  readonly why: string;
}

export interface Deed extends Warrant {
  readonly action: string;
  readonly target: string;
  readonly details?: Json;
}

export async function recordAction(
  tx: Queryable,
  { runtime }: Pick<ShopData, 'runtime'>,
  { action, target, by, why, details = {} }: Deed,
): Promise<void> {
  await tx.run(sql`
    insert into operator_action (id, action, target, done_by, why, details)
    values (${runtime.ids.uuid()}, ${action}, ${target}, ${by}, ${why}, ${JSON.stringify(details)}::jsonb)`);
}

export interface ActionRow {
  readonly at: Date;
  readonly service: string;
  readonly action: string;
  readonly target: string;
  readonly by: string;
  readonly why: string;
  readonly details: Json;
}

/** The newest actions of all services, newest first; of one target when it is named. */
export async function listActions(data: ShopData, limit: number, target: string | null = null): Promise<ActionRow[]> {
  const found = await Promise.all(
    SERVICE_DATABASES.filter((name) => data.has(name)).map(async (service) => {
      const rows = await data.at(service).rows(sql<Omit<ActionRow, 'service'>>`
        select at, action, target, done_by as "by", why, details from operator_action
        where ${target}::text is null or target = ${target}::text order by at desc limit ${limit}`);
      return rows.map((row) => ({ ...row, service }));
    }),
  );
  return found
    .flat()
    .sort((a, b) => b.at.getTime() - a.at.getTime())
    .slice(0, limit);
}
