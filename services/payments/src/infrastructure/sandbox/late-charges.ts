// The sandbox's clock: authorizations that it is slow about appear when their time has come, whoever still asks.
import { sql } from '@stoa/chassis/postgres/sql';
import type { JobDefinition } from '@stoa/chassis/service';
import type { PaymentsContext } from '../../context.ts';

export const lateCharges: JobDefinition<PaymentsContext> = {
  name: 'sandbox-late-charges',
  everyMs: 1000,
  async run({ deps, databases }) {
    if (deps.provider.name !== 'sandbox') return false;
    await databases.sandbox?.run(sql`
      with appeared as (
        update charge set state = 'AUTHORIZED' where state = 'PROCESSING' and appears_at <= now()
        returning authorize_key, payment_id, order_ref, amount_minor, currency
      )
      insert into ledger (provider_key, payment_id, order_ref, kind, amount_minor, currency, ok, code)
      select authorize_key, payment_id, order_ref, 'authorize', amount_minor, currency, true, '' from appeared`);
    return false;
  },
};
