// I6c: our ledger of the sandbox and the sandbox's own say the same, row by row. A movement that it has written and we
// have not read yet belongs to an order that is still on its way, or to a late charge that the reconciler gives back.
import { collect, type Invariant } from '../invariant.ts';
import { underRemedy } from '../remedied.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';

interface Movement extends Keyed {
  readonly order_id: string;
  readonly payment_id: string;
  readonly kind: string;
  readonly amount: bigint;
  readonly currency: string;
}

const OURS = `
  select provider_key collate "C" as key, order_id::text, payment_id, kind,
    case when kind = 'capture' then debit_minor else credit_minor end as amount, currency
  from ledger_entry where account = 'provider:sandbox' order by 1`;
const THEIRS = `
  select provider_key collate "C" as key, order_ref as order_id, payment_id, kind, amount_minor as amount, currency
  from ledger where ok and kind in ('capture', 'refund') order by 1`;

export const ledgersEqual: Invariant = {
  id: 'I6c',
  title: 'our ledger equals the sandbox’s',
  needs: ['payments', 'sandbox'],
  async check(look) {
    const found = collect();
    let ours = 0;
    let theirs = 0;
    const { payments: waiting } = await underRemedy(look.at('payments'));
    await mergeByKey<[Movement, Movement]>(
      [batches(look.at('payments'), OURS), batches(look.at('sandbox'), THEIRS)],
      (key, [own], [other]) => {
        if (own !== undefined) ours++;
        if (other !== undefined) theirs++;
        const text = difference(own, other);
        if (text === undefined) return;
        const { order_id: orderId, payment_id } = (own ?? other) as Movement;
        found.add({ key, text, orderId, isWaiting: waiting.has(payment_id) });
      },
    );
    return found.outcome([ours, 'movements of ours'], [theirs, 'of the sandbox’s']);
  },
};

function difference(own: Movement | undefined, other: Movement | undefined): string | undefined {
  if (own === undefined) return `the provider has a ${other?.kind} of ${other?.amount}, we have none`;
  if (other === undefined) return `we booked a ${own.kind} of ${own.amount}, the provider knows of none`;
  const columns = ['order_id', 'payment_id', 'kind', 'amount', 'currency'] as const;
  const differing = columns.filter((column) => own[column] !== other[column]);
  if (differing.length === 0) return undefined;
  return differing.map((column) => `${column}: ours ${own[column]}, theirs ${other[column]}`).join('; ');
}
