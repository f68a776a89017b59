// The books of the double: intents, refunds, and a ledger in the words of the sandbox's, to be compared with ours.
import {
  CAPTURED_BY_HALF,
  RATE_LIMIT_REFUSALS,
  REFUND_FAILS,
  REFUND_FAILURES,
} from '../../src/infrastructure/sandbox/tokens.ts';

export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly replayed?: boolean;
}

export function error(status: number, type: string, code: string, more: object = {}): Reply {
  return { status, body: { error: { type, code, message: `${type} ${code}`, ...more } } };
}

export interface Intent {
  readonly id: string;
  readonly object: 'payment_intent';
  readonly amount: number;
  readonly currency: string;
  readonly created: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly client_secret: string;
  readonly token: string;
  status: string;
  amount_capturable: number;
  amount_received: number;
  next_action: unknown;
  last_payment_error: unknown;
  latest_charge: { readonly object: 'charge'; amount_refunded: number } | null;
}

export interface Line {
  readonly key: string;
  readonly orderId: string;
  readonly kind: 'authorize' | 'capture' | 'void' | 'refund';
  readonly amount: number;
  readonly currency: string;
  /** `ok`, or why not. */
  readonly result: string;
}

/** How the double misbehaves before or after doing what it is asked. */
export type Behaviour =
  | { readonly kind: 'perform' | 'silent' | 'hang' }
  | { readonly kind: 'late'; readonly token: string }
  | { readonly kind: 'customer'; readonly succeeds: boolean | undefined }
  | { readonly kind: 'disguise'; readonly as: (reply: Reply) => Reply }
  | { readonly kind: 'fail'; readonly reply: Reply; readonly kept?: boolean };

const DECLINES: Readonly<Record<string, readonly [code: string, ours: string]>> = {
  tok_decline: ['card_declined', 'CARD_DECLINED'],
  tok_insufficient_funds: ['insufficient_funds', 'INSUFFICIENT_FUNDS'],
  tok_require_action: ['authentication_required', 'AUTHENTICATION_REQUIRED'],
};
const LATE = /^tok_(late_charge|webhook_\w+)$/;
const KNOWN =
  /^tok_(approve|3ds\w*|hang|charge_then_hang|error_once|rate_limited|garbage|wrong_\w+|\w*capture\w*|\w*refund_fails|kept_error)$/;

const altered = (change: (intent: Intent) => object) => (reply: Reply) => {
  const intent = reply.body as Intent;
  return { ...reply, body: { ...intent, ...change(intent) } };
};

export function behaviourOf(
  books: StripeBooks,
  path: string,
  params: URLSearchParams,
  key: string,
  hangs: boolean,
): Behaviour {
  const perform: Behaviour = { kind: 'perform' };
  const isNew = path === 'payment_intents';
  const token = isNew ? (params.get('payment_method') ?? '') : books.tokenOf(path, params);
  const fail = (reply: Reply, times: number): Behaviour =>
    books.failures(key) <= times ? { kind: 'fail', reply } : perform;
  if (path === 'refunds') return REFUND_FAILS.has(token) ? fail(error(500, 'api_error', ''), REFUND_FAILURES) : perform;
  if (path.endsWith('/capture')) {
    if (token === 'tok_capture_then_hang') return { kind: 'silent' };
    if (token !== 'tok_kept_error' || key.endsWith(':again')) return perform;
    return { kind: 'fail', reply: error(500, 'api_error', ''), kept: true };
  }
  if (!isNew) return perform;
  if (LATE.test(token)) return { kind: 'late', token };
  if (token.startsWith('tok_3ds')) {
    return { kind: 'customer', succeeds: token === 'tok_3ds' ? undefined : token === 'tok_3ds_confirmed' };
  }
  switch (token) {
    case 'tok_hang':
      return hangs ? { kind: 'hang' } : perform;
    case 'tok_charge_then_hang':
      return { kind: 'silent' };
    case 'tok_error_once':
      return fail(error(500, 'api_error', ''), 1);
    case 'tok_rate_limited':
      return fail(error(429, 'invalid_request_error', 'rate_limit'), RATE_LIMIT_REFUSALS);
    case 'tok_garbage':
      return { kind: 'disguise', as: (reply) => ({ ...reply, body: '<html>Bad Gateway</html>' }) };
    case 'tok_wrong_amount':
      return { kind: 'disguise', as: altered((intent) => ({ amount_capturable: intent.amount_capturable + 1 })) };
    case 'tok_wrong_currency':
      return { kind: 'disguise', as: altered(() => ({ currency: 'usd' })) };
    default:
      return perform;
  }
}

export class StripeBooks {
  readonly intents = new Map<string, Intent>();
  readonly refunds: { id: string; payment_intent: string; status: string; metadata: object; amount: number }[] = [];
  readonly ledger: Line[] = [];
  readonly #byKey = new Map<string, Intent>();
  readonly #failures = new Map<string, number>();
  #count = 0;

  /** How often a key has been asked about by now, this time included. */
  failures(key: string): number {
    const count = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, count);
    return count;
  }

  intent(id: string): Intent {
    return this.intents.get(id) as Intent;
  }

  intentUnder(key: string): Intent {
    return this.#byKey.get(key) as Intent;
  }

  of(orderId: string): Intent[] {
    return [...this.intents.values()].filter(({ metadata }) => metadata.stoa_order_id === orderId);
  }

  tokenOf(path: string, params: URLSearchParams): string {
    const id = params.get('payment_intent') ?? path.split('/')[1] ?? '';
    return this.intents.get(id)?.token ?? '';
  }

  /** An intent that nobody asked for, or that an adapter's call has made. */
  add(given: Pick<Intent, 'amount' | 'currency' | 'metadata' | 'status'> & Partial<Intent>): Intent {
    const id = `pi_${++this.#count}`;
    const intent: Intent = {
      id,
      object: 'payment_intent',
      created: Math.floor(Date.now() / 1000),
      client_secret: `${id}_secret`,
      token: '',
      amount_capturable: given.status === 'requires_capture' ? given.amount : 0,
      amount_received: given.status === 'succeeded' ? given.amount : 0,
      next_action: null,
      last_payment_error: null,
      latest_charge: { object: 'charge', amount_refunded: 0 },
      ...given,
    };
    this.intents.set(id, intent);
    return intent;
  }

  perform(path: string, params: URLSearchParams, key: string): Reply {
    if (path === 'payment_intents') return this.#create(params, key);
    if (path === 'refunds') return this.#refund(params, key);
    const [, id = '', verb] = path.split('/');
    const intent = this.intents.get(id);
    if (intent === undefined) return error(404, 'invalid_request_error', 'resource_missing');
    return verb === 'capture' ? this.#capture(intent, params, key) : this.#cancel(intent, key);
  }

  #write(intent: Intent, kind: Line['kind'], key: string, amount: number, result = 'ok'): void {
    const orderId = intent.metadata.stoa_order_id ?? '';
    this.ledger.push({ key, orderId, kind, amount, currency: intent.currency.toUpperCase(), result });
  }

  #create(params: URLSearchParams, key: string): Reply {
    const token = params.get('payment_method') ?? '';
    const metadata = Object.fromEntries(
      [...params].flatMap(([name, value]) => (name.startsWith('metadata[') ? [[name.slice(9, -1), value]] : [])),
    );
    const given = { amount: Number(params.get('amount')), currency: params.get('currency') ?? '', metadata, token };
    const [code, ours] = DECLINES[token] ?? [];
    if (code !== undefined && ours !== undefined) {
      const intent = this.add({ ...given, status: 'requires_payment_method', last_payment_error: { code } });
      this.#byKey.set(key, intent);
      this.#write(intent, 'authorize', key, given.amount, ours);
      return error(402, 'card_error', code, { payment_intent: intent });
    }
    if (!KNOWN.test(token) && !LATE.test(token)) {
      return error(404, 'invalid_request_error', 'resource_missing', { param: 'payment_method' });
    }
    const asks = token.startsWith('tok_3ds');
    const next_action = asks ? { type: 'redirect_to_url', redirect_to_url: { url: 'https://bank.example/3ds' } } : null;
    const intent = this.add({ ...given, next_action, status: asks ? 'requires_action' : 'requires_capture' });
    this.#byKey.set(key, intent);
    if (!asks) this.#write(intent, 'authorize', key, given.amount);
    return { status: 200, body: { ...intent } };
  }

  /** The customer acts; whether the intent was waiting for that. */
  act(id: string, succeeds: boolean): boolean {
    const intent = this.intents.get(id);
    if (intent?.status !== 'requires_action') return false;
    const key = `${intent.metadata.stoa_payment_id}:authorize`;
    intent.status = succeeds ? 'requires_capture' : 'requires_payment_method';
    intent.amount_capturable = succeeds ? intent.amount : 0;
    if (!succeeds) intent.last_payment_error = { code: 'payment_intent_authentication_failure' };
    this.#write(intent, 'authorize', key, intent.amount, succeeds ? 'ok' : 'AUTHENTICATION_FAILED');
    return true;
  }

  #capture(intent: Intent, params: URLSearchParams, key: string): Reply {
    if (intent.token === 'tok_fail_capture') return error(400, 'invalid_request_error', 'capture_unauthorized_payment');
    if (intent.status !== 'requires_capture') return unexpectedState(intent);
    const asked = Number(params.get('amount_to_capture'));
    intent.amount_received = CAPTURED_BY_HALF.has(intent.token) ? Math.ceil(asked / 2) : asked;
    intent.amount_capturable = 0;
    intent.status = 'succeeded';
    this.#write(intent, 'capture', key, intent.amount_received);
    return { status: 200, body: { ...intent } };
  }

  #cancel(intent: Intent, key: string): Reply {
    if (intent.status === 'succeeded' || intent.status === 'canceled') return unexpectedState(intent);
    const held = intent.amount_capturable;
    intent.status = 'canceled';
    intent.amount_capturable = 0;
    if (!key.endsWith(':close')) this.#write(intent, 'void', key, held);
    return { status: 200, body: { ...intent } };
  }

  #refund(params: URLSearchParams, key: string): Reply {
    const intent = this.intents.get(params.get('payment_intent') ?? '');
    const amount = Number(params.get('amount'));
    if (intent?.latest_charge == null) return error(404, 'invalid_request_error', 'resource_missing');
    const left = intent.amount_received - intent.latest_charge.amount_refunded;
    if (left === 0) return error(400, 'invalid_request_error', 'charge_already_refunded');
    // "Refund amount is greater than unrefunded amount on charge": Stripe has no code for it.
    if (amount > left) return error(400, 'invalid_request_error', '', { code: undefined, param: 'amount' });
    intent.latest_charge.amount_refunded += amount;
    const metadata = { stoa_key: params.get('metadata[stoa_key]') };
    const made = { id: `re_${++this.#count}`, payment_intent: intent.id, status: 'succeeded', metadata, amount };
    const refund = { object: 'refund', currency: intent.currency, ...made };
    this.refunds.push(refund);
    this.#write(intent, 'refund', key, amount);
    return { status: 200, body: refund };
  }

  get(path: string, query: URLSearchParams): Reply {
    const list = (data: unknown[]) => ({ status: 200, body: { object: 'list', data, has_more: false } });
    const all = [...this.intents.values()];
    if (path === 'refunds') return list(this.refunds.filter((r) => r.payment_intent === query.get('payment_intent')));
    if (path === 'payment_intents/search') {
      const [, paymentId] = /stoa_payment_id'\]:'(.+)'$/.exec(query.get('query') ?? '') ?? [];
      return list(all.filter(({ metadata }) => metadata.stoa_payment_id === paymentId));
    }
    if (path === 'payment_intents') return this.#page(query);
    const intent = this.intents.get(path.split('/')[1] ?? '');
    return intent === undefined
      ? error(404, 'invalid_request_error', 'resource_missing')
      : { status: 200, body: intent };
  }

  /** Newest first, as Stripe lists; two a page, so that pages are turned. */
  #page(query: URLSearchParams): Reply {
    const since = Number(query.get('created[gte]'));
    const found = [...this.intents.values()].filter(({ created }) => created >= since).reverse();
    const from = found.findIndex(({ id }) => id === query.get('starting_after')) + 1;
    const data = found.slice(from, from + 2);
    return { status: 200, body: { object: 'list', data, has_more: found.length > from + 2 } };
  }
}

function unexpectedState(intent: Intent): Reply {
  return error(400, 'invalid_request_error', 'payment_intent_unexpected_state', { payment_intent: intent });
}
