// The order and its saga, in SQL: moves, reasons and times of the checkout, and whether its parts agree with it.
import type { WorldOptions } from '../world/options.ts';
import { SAGA_TIMEOUTS } from '../world/services.ts';

/** Every row that it selects is a violation. */
export interface Check {
  readonly invariant: string;
  readonly says: string;
  readonly sql: string;
}

const MACHINE = [
  ' RESERVING',
  'RESERVING AUTHORIZING',
  'RESERVING UNDOING_RESERVING',
  'RESERVING COMPENSATED',
  'AUTHORIZING COMMITTING_STOCK',
  'AUTHORIZING UNDOING_AUTHORIZING',
  'AUTHORIZING UNDOING_RESERVING',
  'COMMITTING_STOCK CAPTURING',
  'COMMITTING_STOCK UNDOING_AUTHORIZING',
  'CAPTURING ARRANGING_SHIPMENT',
  'CAPTURING UNDOING_AUTHORIZING',
  'ARRANGING_SHIPMENT COMPLETED',
  'ARRANGING_SHIPMENT UNDOING_AUTHORIZING',
  'UNDOING_AUTHORIZING UNDOING_RESERVING',
  'UNDOING_RESERVING COMPENSATED',
];

/** Why an order may end whatever its card. */
const ANY_REASON = [
  '[A-Z_]+_TIMED_OUT',
  'PAYMENT_ACTION_EXPIRED',
  'INSUFFICIENT_STOCK',
  'HOLD_EXPIRED',
  'CUSTOMER_REQUEST',
  'UNKNOWN_METHOD',
];
/** Why it may end by its card alone. */
const REASON_OF_CARD = {
  tok_decline: 'CARD_DECLINED',
  tok_insufficient_funds: 'INSUFFICIENT_FUNDS',
  tok_require_action: 'AUTHENTICATION_REQUIRED',
  tok_3ds_failed: 'AUTHENTICATION_FAILED',
  tok_fail_capture: 'CAPTURE_REFUSED',
  tok_partial_capture: 'PARTIAL_CAPTURE',
  tok_partial_refund_fails: 'PARTIAL_CAPTURE',
};

export const ORDERS: readonly Check[] = [
  {
    invariant: 'I9',
    says: 'a key without its order, or an order without a key',
    sql: `select coalesce(k.order_id, o.id) as id from orders.idempotency_key k full join orders.orders o on o.id = k.order_id
      where k.order_id is null or o.id is null`,
  },
  {
    invariant: 'I11',
    says: 'a stream that is not dense, or an order that is not its last event',
    sql: `select o.id, o.version, count(*) as events from orders.orders o left join orders.outbox e
        on e.topic = 'orders.events' and e.aggregate_id = o.id::text
      group by o.id having count(e.id) <> o.version or min(e.aggregate_version) <> 1 or max(e.aggregate_version) <> o.version`,
  },
  {
    invariant: 'I11',
    says: 'an illegal move of the saga',
    sql: `select saga_id, version, from_state, to_state from (
        select *, lag(to_state, 1, '') over (partition by saga_id order by version) as before,
          row_number() over (partition by saga_id order by version) as n from orders.saga_transition) t
      where from_state <> before or n <> version
        or (from_state <> to_state and from_state || ' ' || to_state not in (${MACHINE.map((m) => `'${m}'`).join(', ')}))`,
  },
  {
    invariant: 'I12',
    says: 'a saga whose parts disagree',
    sql: `select g.saga_id, g.state, r.state as stock, p.state as payment, h.state as shipment, o.status
      from orders.saga g join orders.orders o on o.id = g.saga_id
      left join inventory.reservation r on r.order_id = g.saga_id
      left join payments.payment p on p.order_id = g.saga_id left join shipping.shipment h on h.order_id = g.saga_id
      where case g.state
        when 'COMPLETED' then not (o.status = 'CONFIRMED' and r.state = 'SHIPPED' and p.state = 'CAPTURED'
          and h.state = 'CREATED')
        else not (o.status in ('REJECTED', 'CANCELLED') and coalesce(r.state in ('RELEASED', 'REFUSED'), true)
          and coalesce(p.state in ('DECLINED', 'VOIDED', 'REFUNDED'), true) and coalesce(h.state = 'REFUSED', true)) end`,
  },
  {
    invariant: 'I17',
    says: 'confirmed for another reason than its capture',
    sql: `select e.aggregate_id from orders.outbox e left join payments.outbox c on c.event_id = e.causation_id
      where e.type = 'stoa.orders.v1.OrderConfirmed' and (c.type is distinct from 'stoa.payments.v1.PaymentCaptured'
        or c.aggregate_id <> e.aggregate_id)`,
  },
  {
    invariant: 'I10',
    says: 'a person was called',
    sql: 'select saga_id, kind from orders.manual_task',
  },
  {
    invariant: 'I11',
    says: 'turned back by a timer or a customer when its money may have been taken',
    sql: `select saga_id, from_state, trigger_id from orders.saga_transition
      where from_state in ('CAPTURING', 'ARRANGING_SHIPMENT') and to_state <> from_state and trigger_id ~ '^(cancel|timer):'`,
  },
  {
    invariant: 'I19',
    says: 'ended for a reason that is not its own',
    sql: `select g.saga_id, g.reason, p.token from orders.saga g left join payments.payment p on p.order_id = g.saga_id
      where g.state = 'COMPENSATED' and g.reason !~ '^(${ANY_REASON.join('|')})$' and g.reason is distinct from case p.token
        ${Object.entries(REASON_OF_CARD)
          .map(([token, reason]) => `when '${token}' then '${reason}'`)
          .join(' ')} end`,
  },
  {
    invariant: 'I19',
    says: 'an order belongs to another than its cart',
    sql: `select o.id, o.customer_id, c.customer_id as cart_of from orders.orders o join cart.cart c on c.id = o.cart_id
      where o.customer_id is distinct from c.customer_id`,
  },
];
/** What orders add to the time that a customer has at the bank. */
const ACTION_MARGIN_SECONDS = 30;

/** A step that ended by its timer had its whole time: its own, or from where its deadline was moved, what that gave it. */
export function timers({ hurry, paymentActionSeconds }: WorldOptions): Check {
  const cases = [...SAGA_TIMEOUTS].map(([state, seconds]) => `when '${state}' then ${Math.max(2, seconds / hurry)}`);
  const moved = paymentActionSeconds + ACTION_MARGIN_SECONDS;
  return {
    invariant: 'I11',
    says: 'a step was ended by a timer that was not its own',
    sql: `select t.saga_id, t.from_state, t.at - e.entered as lasted from orders.saga_transition t
      cross join lateral (select min(at) as entered, min(at) filter (
          where s.from_state = s.to_state and s.trigger_id not like 'timer:%') as moved
        from orders.saga_transition s where s.saga_id = t.saga_id and s.to_state = t.from_state) e
      where t.trigger_id like 'timer:%' and t.to_state <> t.from_state
        and t.at - coalesce(e.moved, e.entered) < make_interval(secs => (case when e.moved is not null then ${moved}
          else case t.from_state ${cases.join(' ')} else 0 end end) - 0.1)`,
  };
}

/** A hold that ended by itself had its whole time. */
export function holds({ holdSeconds }: WorldOptions): Check {
  return {
    invariant: 'I4',
    says: 'a hold expired before its time',
    sql: `select order_id, changed_at - created_at as lasted from inventory.reservation
      where reason = 'EXPIRED' and changed_at - created_at < make_interval(secs => ${holdSeconds})`,
  };
}
