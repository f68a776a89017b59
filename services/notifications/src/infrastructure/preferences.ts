// Customers' preferences in SQL. Only what was ever set has a row; everything else is on.
import type { Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { CategoryName } from '../domain/template.ts';

export interface PreferenceRow {
  readonly category: CategoryName;
  readonly enabled: boolean;
}

export function loadPreferences(db: Queryable, customerId: string): Promise<PreferenceRow[]> {
  return db.rows(sql<PreferenceRow>`select category, enabled from preference where customer_id = ${customerId}`);
}

export async function storePreference(db: Queryable, customerId: string, preference: PreferenceRow): Promise<void> {
  await db.run(sql`
    insert into preference (customer_id, category, enabled)
    values (${customerId}, ${preference.category}, ${preference.enabled})
    on conflict (customer_id, category) do update set enabled = excluded.enabled`);
}
