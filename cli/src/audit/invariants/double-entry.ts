// I6b: every movement of money is booked on both sides, with the same amount.
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Invariant } from '../invariant.ts';

interface Row {
  readonly provider_key: string;
  readonly entries: bigint;
  readonly debit: bigint;
  readonly credit: bigint;
}

export const doubleEntry: Invariant = {
  id: 'I6b',
  title: 'debits equal credits',
  needs: ['payments'],
  async check(look) {
    const found = collect();
    const payments = look.at('payments');
    const rows = await payments.rows(sql<Row>`
      select provider_key, count(*) as entries, sum(debit_minor)::bigint as debit, sum(credit_minor)::bigint as credit
      from ledger_entry group by provider_key
      having count(*) <> 2 or sum(debit_minor) <> sum(credit_minor) or min(currency) <> max(currency)
        or min(order_id::text) <> max(order_id::text)`);
    for (const { provider_key, entries, debit, credit } of rows) {
      found.add({ key: `movement ${provider_key}`, text: `${entries} entries, debit ${debit}, credit ${credit}` });
    }
    const sums = await payments.one(sql<{ entries: bigint; debit: bigint }>`
      select count(*) as entries, coalesce(sum(debit_minor), 0)::bigint as debit from ledger_entry`);
    return found.outcome([sums.entries, 'entries'], [sums.debit, 'minor units moved']);
  },
};
