// I10: every order is decided in bounded time. What is younger is in flight; what is older is stuck.
import { sql } from '@stoa/chassis/postgres/sql';
import { PAYMENT_ACTION_SECONDS } from '@stoa/orders/saga/checkout';
import { collect, type Invariant } from '../invariant.ts';

interface Row {
  readonly saga_id: string;
  readonly state: string;
  readonly reason: string;
  readonly attempts: number;
  readonly age_seconds: number;
  /** How much of that its customer may have spent at the bank (3-D Secure): they were asked to act, at one time. */
  readonly customer_seconds: number;
  readonly has_timer: boolean;
  /** The service that drives it runs. While it does not, an order only waits. */
  readonly runs: boolean;
  readonly manual_task: string | null;
}

/** Ten minutes after whatever kept it was healed: longer than any step and its compensation take by themselves. */
const DEADLINE_SECONDS = 600;

export const boundedTermination: Invariant = {
  id: 'I10',
  title: 'every order is decided in time',
  needs: ['orders'],
  async check(look) {
    const found = collect();
    const orders = look.at('orders');
    const rows = await orders.rows(sql<Row>`
      select s.saga_id, s.state, s.reason, s.attempts, s.wake_at is not null as has_timer, t.id as manual_task,
        exists (select from outbox_head where lease_until > now()) as runs,
        extract(epoch from now() - o.placed_at)::float8 as age_seconds,
        case when exists (
          select from outbox e where e.topic = 'orders.events' and e.aggregate_id = s.saga_id::text
            and e.aggregate_version is not null and e.type = 'stoa.orders.v1.OrderPaymentActionRequired')
        then coalesce((s.data->>'paymentActionSeconds')::float8, ${PAYMENT_ACTION_SECONDS}) else 0 end as customer_seconds
      from saga s join orders o on o.id = s.saga_id
        left join manual_task t on t.saga_id = s.saga_id and t.decided_at is null
      where s.state not in ('COMPLETED', 'COMPENSATED') order by s.saga_id`);
    for (const { saga_id, state, reason, attempts, age_seconds, customer_seconds, ...row } of rows) {
      const { has_timer, runs, manual_task } = row;
      const isWaiting = has_timer && (age_seconds - customer_seconds < DEADLINE_SECONDS || !runs);
      const why = reason === '' ? '' : `, turned back for ${reason}`;
      const timer = has_timer ? '' : ', and no timer will wake it';
      const task = manual_task === null ? '' : `, manual task ${manual_task} is open`;
      const text = `${state} after ${Math.round(age_seconds)} s and ${attempts} attempts${why}${timer}${task}`;
      found.add({ key: `order ${saga_id}`, text, isWaiting });
    }
    const { sagas } = await orders.one(sql<{ sagas: bigint }>`select count(*) as sagas from saga`);
    return found.outcome([sagas, 'sagas'], [rows.length, 'running']);
  },
};
