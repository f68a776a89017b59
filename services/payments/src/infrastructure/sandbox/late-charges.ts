// The sandbox's clock and its customers: what it is slow about is decided when the time has come, whoever still asks, and
// a webhook tells of it. Each decision is one statement, so that a charge, its answer and its webhook come together.
import type { Database } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { JobDefinition } from '@stoa/chassis/service';
import type { PaymentsContext } from '../../context.ts';

export const lateCharges: JobDefinition<PaymentsContext> = {
  name: 'sandbox-late-charges',
  everyMs: 1000,
  async run(context) {
    const { sandbox } = context.databases;
    if (context.deps.provider.name !== 'sandbox' || sandbox === undefined) return false;
    if ((await decideDue(sandbox)) > 0) context.wake('sandbox-webhooks');
    return false;
  },
};

/** Returns how many were decided. */
function decideDue(db: Database): Promise<number> {
  return db.run(sql`
    with decided as (
      update charge
      set state = case when token = 'tok_3ds_failed' then 'DECLINED' else 'AUTHORIZED' end, appears_at = null
      where appears_at <= now() and (state in ('PROCESSING', 'REQUIRES_ACTION')
        or (state = 'VOIDED' and token = 'tok_charge_after_void'))
        -- Asked again after the void it was refused, and an answer is final: one more would stop this statement for good.
        and not exists (select from ledger where provider_key = authorize_key)
      returning authorize_key, payment_id, order_ref, amount_minor, currency, state, token
    ), told as (
      insert into webhook (payment_id, type, created_at, due_at, sends, forged)
      select payment_id, w.type, now() - w.age, now() + w.delay,
        case token when 'tok_webhook_duplicated' then 3 else 1 end, token = 'tok_webhook_forged'
      from decided, lateral (values
        ('payment.' || lower(state), interval '0', interval '0', token <> 'tok_webhook_lost'),
        ('payment.processing', interval '10 seconds', interval '50 milliseconds', token = 'tok_webhook_reordered')
      ) as w (type, age, delay, is_sent)
      where w.is_sent
    )
    insert into ledger (provider_key, payment_id, order_ref, kind, amount_minor, currency, ok, code)
    select authorize_key, payment_id, order_ref, 'authorize', amount_minor, currency, state = 'AUTHORIZED',
      case when state = 'AUTHORIZED' then '' else 'AUTHENTICATION_FAILED' end
    from decided`);
}

/** The customer acts (3-D Secure). Whether a charge was waiting for that. */
export async function actAsCustomer(db: Database, paymentId: string, succeeds: boolean): Promise<boolean> {
  const decided = await db.run(sql`
    with decided as (
      update charge set state = case when ${succeeds}::boolean then 'AUTHORIZED' else 'DECLINED' end, appears_at = null
      where payment_id = ${paymentId} and state = 'REQUIRES_ACTION'
      returning authorize_key, payment_id, order_ref, amount_minor, currency, state
    ), told as (
      insert into webhook (payment_id, type) select payment_id, 'payment.' || lower(state) from decided
    )
    insert into ledger (provider_key, payment_id, order_ref, kind, amount_minor, currency, ok, code)
    select authorize_key, payment_id, order_ref, 'authorize', amount_minor, currency, state = 'AUTHORIZED',
      case when state = 'AUTHORIZED' then '' else 'AUTHENTICATION_FAILED' end
    from decided`);
  return decided > 0;
}
