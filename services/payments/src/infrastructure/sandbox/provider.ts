// The provider in the box. It keeps its own database, answers a repeated key with the same answer, and behaves as the
// token asks. Requests that come in while a batch is being written go together in the next one.
import { gather } from '@stoa/chassis/gather';
import { type Database, SqlState, sqlState } from '@stoa/chassis/postgres/database';
import type { Clock } from '@stoa/chassis/runtime';
import type { PaymentProvider, ProviderRequest } from '../provider.ts';
import { listCharges, SANDBOX_PAGE_PATH, showCharge } from './records.ts';
import { type Charge, type Reply, respond, type SandboxRequest } from './rules.ts';
import { consult, countFaults, insertCharges, insertEntries, updateCharges } from './store.ts';
import { TOKENS } from './tokens.ts';
import { readSandboxWebhook } from './webhooks.ts';

export interface SandboxOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** How late the authorization of tok_late_charge appears. */
  readonly lateMs: number;
  readonly webhookSecrets: readonly string[];
  /** Where browsers reach payments' plain HTTP; undefined when they cannot, and customers have no page. */
  readonly publicUrl: string | undefined;
}

const BATCH_MAX = 256;
/** Two processes that open the same charge: the loser looks again. */
const COLLISIONS_MAX = 5;

export function openSandbox(db: Database, options: SandboxOptions): PaymentProvider {
  const { clock, lateMs, webhookSecrets, publicUrl } = options;
  const pageUrl = publicUrl === undefined ? '' : new URL(SANDBOX_PAGE_PATH, publicUrl).href;
  const submit = gather({
    clock,
    lanes: 1,
    batchMax: BATCH_MAX,
    keyOf: (request: SandboxRequest) => request.paymentId,
    run: (batch) => answerBatch(db, batch, { lateMs, pageUrl }),
  });
  const ask = async (
    kind: SandboxRequest['kind'],
    { paymentId, key, orderId, amountMinor, currency }: ProviderRequest,
    token: string,
    signal: AbortSignal,
  ): Promise<unknown> => {
    const answer = await submit({ kind, paymentId, key, orderRef: orderId, amountMinor, currency, token });
    return answer === 'never' ? silence(signal) : answer;
  };
  return {
    name: 'sandbox',
    voidsByReference: true,
    methods: () => [{ id: 'card', name: 'Card (sandbox)', sampleTokens: Object.keys(TOKENS) }],
    authorize: (request, signal) => ask('authorize', request, request.token, signal),
    capture: (request, signal) => ask('capture', request, '', signal),
    void: (request, signal) => ask('void', request, '', signal),
    refund: (request, signal) => ask('refund', request, '', signal),
    lookup: ({ paymentId }) => showCharge(db, paymentId),
    list: (since, cursor) => listCharges(db, since, cursor),
    readWebhook: (request) => readSandboxWebhook(webhookSecrets, request),
    problem: () => undefined,
  };
}

/** Ends, by failing, only when the caller gives up. */
function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const hangUp = () => reject(new Error('the sandbox never answered'));
    if (signal.aborted) hangUp();
    else signal.addEventListener('abort', hangUp, { once: true });
  });
}

interface Manner {
  readonly lateMs: number;
  readonly pageUrl: string;
}

type Requests = readonly SandboxRequest[];

async function answerBatch(db: Database, batch: Requests, manner: Manner): Promise<Reply['answer'][]> {
  for (let collisions = 0; ; collisions++) {
    try {
      return await answerOnce(db, batch, manner);
    } catch (error) {
      if (sqlState(error) !== SqlState.uniqueViolation || collisions === COLLISIONS_MAX) throw error;
    }
  }
}

async function answerOnce(db: Database, batch: Requests, { lateMs, pageUrl }: Manner): Promise<Reply['answer'][]> {
  return db.transact(async (tx) => {
    const known = await consult(tx, batch);
    const replies = known.map((books, index) => respond(books, batch[index] as SandboxRequest, pageUrl));
    const opened: Charge[] = [];
    const changed: Charge[] = [];
    replies.forEach(({ charge }, index) => {
      if (charge !== undefined) (known[index]?.charge === undefined ? opened : changed).push(charge);
    });
    const lines = replies.flatMap(({ entry }, index) =>
      entry === undefined ? [] : [{ request: batch[index] as SandboxRequest, entry }],
    );
    const faulted = replies.flatMap((reply, index) => (reply.faulted ? [(batch[index] as SandboxRequest).key] : []));
    // In order of id, so that two processes that open the same charges wait for each other instead of deadlocking.
    opened.sort((a, b) => (a.paymentId < b.paymentId ? -1 : 1));
    await Promise.all([
      insertCharges(tx, opened, lateMs),
      updateCharges(tx, changed),
      insertEntries(tx, lines),
      countFaults(tx, faulted),
    ]);
    return replies.map((reply) => reply.answer);
  });
}
