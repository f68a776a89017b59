// Stripe behind the port: PaymentIntents that are captured by hand, and refunds.
//
// The first call of an operation is made at once. A repetition looks first wherever that is certain: at the intent, once
// its id is known, and at the refunds that are there. An authorization whose intent is not known is repeated under its
// key, to which Stripe gives the same answer; but it forgets keys (after 24 hours at the earliest), so an old one is
// searched for by our metadata before the call is made again.
import Stripe from 'stripe';
import { ALREADY_REFUNDED } from '../../domain/payment.ts';
import type { ProviderRecord } from '../../domain/reconcile.ts';
import type { AuthorizeRequest, PaymentProvider, ProviderRequest, RecordPage, Said } from '../provider.ts';
import { toStripe } from './amounts.ts';
import { type Failure, isKeptError, readFailure } from './errors.ts';
import {
  KEY,
  ORDER_ID,
  PAYMENT_ID,
  refusalOf,
  saidOfAuthorization,
  saidOfCapture,
  saidOfRefund,
  saidOfVoid,
  toRecord,
} from './intents.ts';
import { readStripeWebhook } from './webhooks.ts';

export interface StripeOptions {
  readonly secretKey: string;
  readonly apiBase: string;
  readonly returnUrl: string | undefined;
  readonly timeoutMs: number;
  readonly webhookSecrets: readonly string[];
}

/** From this age on a key may be forgotten, with an hour to spare. */
const KEY_LIFE_SECONDS = 23 * 3600;
const PAGE = 100;

export function openStripe(options: StripeOptions): PaymentProvider {
  const adapter = new StripeAdapter(options);
  return {
    name: 'stripe',
    voidsByReference: false,
    methods: () => [{ id: 'card', name: 'Card', sampleTokens: [] }],
    authorize: (request) => adapter.say(() => adapter.authorize(request), refusedAuthorization),
    capture: (request) =>
      adapter.say(
        () => adapter.capture(request),
        () => adapter.lookAtCapture(request),
      ),
    void: (request) =>
      adapter.say(
        () => adapter.void(request),
        () => adapter.lookAtVoid(request),
      ),
    refund: (request) =>
      adapter.say(
        () => adapter.refund(request),
        () => REFUND_REFUSED,
      ),
    lookup: ({ paymentId, reference }) => adapter.lookup(paymentId, reference),
    list: (since, cursor) => adapter.list(since, cursor),
    readWebhook: (request) => readStripeWebhook(adapter.stripe, options.webhookSecrets, request),
    problem: () => adapter.problem,
  };
}

type Refusal = Extract<Failure, { kind: 'refused' }>;

/** Refused before anything was done. */
function refusedAuthorization({ code, param }: Refusal): Said {
  if (param === 'payment_method') return { kind: 'declined', code: 'INVALID_TOKEN' };
  return { kind: 'declined', code: code.startsWith('amount_') ? 'INVALID_AMOUNT' : 'REQUEST_REFUSED' };
}

const REFUND_REFUSED: Said = { kind: 'declined', code: 'REFUND_REFUSED' };

class StripeAdapter {
  readonly stripe: Stripe;
  readonly options: StripeOptions;
  problem: string | undefined;

  constructor(options: StripeOptions) {
    const { protocol, hostname, port } = new URL(options.apiBase);
    const isPlain = protocol === 'http:';
    this.options = options;
    this.stripe = new Stripe(options.secretKey, {
      protocol: isPlain ? 'http' : 'https',
      host: hostname,
      port: port === '' ? (isPlain ? 80 : 443) : port,
      // Repeating is provider-calls.ts's business. (A connection that Stripe has closed is tried again once by the SDK
      // all the same: under the same key, so nothing is done twice.)
      maxNetworkRetries: 0,
      timeout: options.timeoutMs,
      telemetry: false,
    });
  }

  /** Runs a call and says what came of it; `refused` when Stripe refused the request itself. */
  async say(call: () => Promise<Said>, refused: (failure: Refusal) => Said | Promise<Said>): Promise<Said> {
    try {
      const said = await call();
      this.problem = undefined;
      return said;
    } catch (error) {
      const failure = readFailure(error);
      if (failure.kind === 'open') {
        if (failure.problem !== undefined) this.problem = failure.problem;
        return failure.said;
      }
      this.problem = undefined;
      if (failure.kind === 'card') return { kind: 'declined', code: failure.code };
      // What is asked on the way to that answer may fail too; a second refusal proves nothing.
      return this.say(
        async () => refused(failure),
        () => ({ kind: 'unknown', code: 'NOT_FOUND' }),
      );
    }
  }

  async authorize(request: AuthorizeRequest): Promise<Said> {
    const known = request.isRepetition ? await this.find(request) : undefined;
    const intent = known ?? (await this.createIntent(request));
    return saidOfAuthorization(intent) ?? this.close(intent, request);
  }

  /** The intent of a call that went out before, where it can be found with certainty. */
  private async find({
    paymentId,
    reference,
    ageSeconds,
  }: AuthorizeRequest): Promise<Stripe.PaymentIntent | undefined> {
    if (reference !== '') return this.stripe.paymentIntents.retrieve(reference);
    if (ageSeconds < KEY_LIFE_SECONDS) return undefined;
    const found = await this.search(paymentId);
    return found.find(({ status }) => status === 'requires_capture' || status === 'succeeded') ?? found[0];
  }

  private async createIntent(request: AuthorizeRequest): Promise<Stripe.PaymentIntent> {
    const { paymentId, orderId, amountMinor, currency, token, key } = request;
    const created = await this.stripe.paymentIntents.create(
      {
        amount: toStripe(amountMinor, currency),
        currency: currency.toLowerCase(),
        payment_method: token,
        allowed_payment_method_types: ['card'],
        capture_method: 'manual',
        confirm: true,
        metadata: { [PAYMENT_ID]: paymentId, [ORDER_ID]: orderId },
        ...(this.options.returnUrl === undefined ? {} : { return_url: this.options.returnUrl }),
      },
      { idempotencyKey: key },
    );
    // A repeated answer shows the intent as it was then.
    const isOld = created.lastResponse?.headers?.['idempotent-replayed'] === 'true';
    return isOld ? this.stripe.paymentIntents.retrieve(created.id) : created;
  }

  /** Its customer has its secret and could pay with another card: it is closed before it is called declined. */
  private async close(intent: Stripe.PaymentIntent, { key }: ProviderRequest): Promise<Said> {
    const code = refusalOf(intent) ?? 'CARD_DECLINED';
    const closed = await this.stripe.paymentIntents.cancel(intent.id, {}, { idempotencyKey: `${key}:close` });
    return closed.status === 'canceled' ? { kind: 'declined', code } : { kind: 'unknown', code: 'IN_PROGRESS' };
  }

  async capture(request: ProviderRequest): Promise<Said> {
    const { reference, amountMinor, currency, isRepetition } = request;
    const before = isRepetition ? saidOfCapture(await this.retrieve(request)) : undefined;
    if (before !== undefined) return before;
    const amount_to_capture = toStripe(amountMinor, currency);
    const captured = await this.once(request.key, (idempotencyKey) =>
      this.stripe.paymentIntents.capture(reference, { amount_to_capture }, { idempotencyKey }),
    );
    return saidOfCapture(captured) ?? { kind: 'unknown', code: 'IN_PROGRESS' };
  }

  /** The capture was refused: the intent itself says why. */
  async lookAtCapture(request: ProviderRequest): Promise<Said> {
    const said = saidOfCapture(await this.retrieve(request));
    return said ?? { kind: 'declined', code: 'CAPTURE_REFUSED' };
  }

  async void(request: ProviderRequest): Promise<Said> {
    if (request.reference === '') return { kind: 'unknown', code: 'NOT_FOUND' };
    const before = request.isRepetition ? saidOfVoid(await this.retrieve(request)) : undefined;
    if (before !== undefined) return before;
    const cancelled = await this.once(request.key, (idempotencyKey) =>
      this.stripe.paymentIntents.cancel(request.reference, {}, { idempotencyKey }),
    );
    return saidOfVoid(cancelled) ?? { kind: 'unknown', code: 'IN_PROGRESS' };
  }

  async lookAtVoid(request: ProviderRequest): Promise<Said> {
    return saidOfVoid(await this.retrieve(request)) ?? { kind: 'declined', code: 'VOID_REFUSED' };
  }

  async refund(request: ProviderRequest): Promise<Said> {
    const { amountMinor, currency, isRepetition } = request;
    const tried = isRepetition ? await this.refundsUnder(request) : [];
    const standing = tried.find(({ status }) => status !== 'failed' && status !== 'canceled');
    // A refund that has failed for good frees the next one from its key: no money has moved under it.
    const key = tried.length === 0 ? request.key : `${request.key}:${tried.length}`;
    if (standing === undefined) {
      try {
        return saidOfRefund(await this.refundUnder(key, request, amountMinor));
      } catch (error) {
        if (readFailure(error).kind !== 'refused') throw error;
      }
    } else if (standing.status !== 'succeeded' || standing.amount === toStripe(amountMinor, currency)) {
      return saidOfRefund(standing);
    }
    return this.refundRest(key, request);
  }

  /**
   * Less than was captured can be given back: other hands have returned a part, in the console. The amount is part of the
   * key, because they may return more of it meanwhile.
   */
  private async refundRest(key: string, request: ProviderRequest): Promise<Said> {
    const intent = await this.stripe.paymentIntents.retrieve(request.reference, { expand: ['latest_charge'] });
    const record = toRecord(intent);
    if (record?.state === 'REFUNDED') return { kind: 'declined', code: ALREADY_REFUNDED };
    const restMinor = record === undefined ? 0n : record.capturedMinor - record.refundedMinor;
    if (restMinor <= 0n || restMinor >= request.amountMinor) return REFUND_REFUSED;
    const rest = saidOfRefund(await this.refundUnder(`${key}:rest-${restMinor}`, request, restMinor));
    // All that was asked for is back now, by both hands.
    return rest.kind === 'approved' ? { ...rest, amountMinor: request.amountMinor } : rest;
  }

  private refundUnder(key: string, request: ProviderRequest, amountMinor: bigint): Promise<Stripe.Refund> {
    const { reference, currency, paymentId, orderId } = request;
    const metadata = { [PAYMENT_ID]: paymentId, [ORDER_ID]: orderId, [KEY]: request.key };
    const params = { payment_intent: reference, amount: toStripe(amountMinor, currency), metadata };
    return this.once(key, (idempotencyKey) => this.stripe.refunds.create(params, { idempotencyKey }));
  }

  private async refundsUnder({ reference, key }: ProviderRequest): Promise<Stripe.Refund[]> {
    const { data } = await this.stripe.refunds.list({ payment_intent: reference, limit: PAGE });
    return data.filter(({ metadata }) => metadata?.[KEY] === key);
  }

  /**
   * A server error that Stripe keeps under the key would be its answer for a day. Capturing, cancelling and refunding
   * in full can each happen once only, whatever the key, so one other key may be tried; authorizing never gets that.
   */
  private async once<T>(key: string, call: (key: string) => Promise<T>): Promise<T> {
    try {
      return await call(key);
    } catch (error) {
      if (!isKeptError(error)) throw error;
      return call(`${key}:again`);
    }
  }

  private retrieve({ reference }: ProviderRequest): Promise<Stripe.PaymentIntent> {
    return this.stripe.paymentIntents.retrieve(reference);
  }

  private async search(paymentId: string): Promise<Stripe.PaymentIntent[]> {
    const query = `metadata['${PAYMENT_ID}']:'${paymentId}'`;
    const { data } = await this.stripe.paymentIntents.search({ query, limit: PAGE, expand: ['data.latest_charge'] });
    return data;
  }

  /** By metadata, which shows also what should not be there; the known intent as it is at this moment. */
  async lookup(paymentId: string, reference: string): Promise<ProviderRecord[]> {
    const found = new Map((await this.search(paymentId)).map((intent) => [intent.id, intent]));
    if (reference !== '') {
      const known = await this.stripe.paymentIntents
        .retrieve(reference, { expand: ['latest_charge'] })
        .catch((error: unknown) => {
          if (error instanceof Stripe.errors.StripeInvalidRequestError && error.statusCode === 404) return undefined;
          throw error;
        });
      if (known !== undefined) found.set(known.id, known);
    }
    return [...found.values()].flatMap((intent) => toRecord(intent) ?? []);
  }

  /** By when they were created: what happens to an older one later is told by webhooks and found by looking it up. */
  async list(since: Date, cursor: string | undefined): Promise<RecordPage> {
    const page = await this.stripe.paymentIntents.list({
      created: { gte: Math.floor(since.getTime() / 1000) },
      limit: PAGE,
      expand: ['data.latest_charge'],
      ...(cursor === undefined ? {} : { starting_after: cursor }),
    });
    const records = page.data.flatMap((intent) => toRecord(intent) ?? []);
    return { records, cursor: page.has_more ? page.data.at(-1)?.id : undefined };
  }
}
