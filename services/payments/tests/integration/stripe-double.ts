// A local double of Stripe, over real HTTP: the endpoints that the adapter uses, with Stripe's idempotency (an answer is
// kept under its key and repeated; another body under it is an error; one still being worked on is a conflict), and the
// same magic tokens as the sandbox, as payment methods.
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Behaviour, behaviourOf, error, type Reply, StripeBooks } from './stripe-books.ts';
import { createWebhooks } from './stripe-webhooks.ts';

export const STRIPE_KEY = 'sk_test_double';

interface Kept {
  readonly hash: string;
  /** Undefined while it is being worked on. */
  reply: Reply | undefined;
}

export type StripeDouble = Awaited<ReturnType<typeof openStripeDouble>>;

export async function openStripeDouble({ lateMs }: { readonly lateMs: number }) {
  const books = new StripeBooks();
  const keys = new Map<string, Kept>();
  const webhooks = createWebhooks();
  const state = { hangs: true, brokenKey: false, calls: [] as string[] };
  const late = new Map<NodeJS.Timeout, () => void>();

  function after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      late.delete(timer);
      run();
    }, ms);
    late.set(timer, run);
  }

  /** What is late comes now. */
  function releaseLate(): void {
    for (const [timer, run] of late) {
      clearTimeout(timer);
      run();
    }
    late.clear();
  }

  /** Executes a POST, maybe later, and keeps its answer under the key. */
  function execute(path: string, params: URLSearchParams, key: string, kept: Kept): Reply | 'never' {
    const behaviour: Behaviour = behaviourOf(books, path, params, key, state.hangs);
    const perform = () => {
      kept.reply = books.perform(path, params, key);
      return kept.reply;
    };
    switch (behaviour.kind) {
      case 'perform':
        return perform();
      case 'fail':
        // A failure before anything was done is not kept, unless it says so.
        if (behaviour.kept) kept.reply = behaviour.reply;
        else keys.delete(key);
        return behaviour.reply;
      case 'disguise':
        return behaviour.as(perform());
      case 'silent':
        perform();
        return 'never';
      case 'hang':
        keys.delete(key);
        return 'never';
      case 'late':
        after(lateMs, () => {
          perform();
          webhooks.tellLate(behaviour.token, books.intentUnder(key));
        });
        return 'never';
      case 'customer': {
        const reply = perform();
        const intent = books.intentUnder(key);
        if (behaviour.succeeds !== undefined) after(lateMs, () => act(intent.id, behaviour.succeeds === true));
        return reply;
      }
      default:
        return behaviour satisfies never;
    }
  }

  function act(intentId: string, succeeds: boolean): void {
    if (books.act(intentId, succeeds)) webhooks.tell(books.intent(intentId));
  }

  function post(path: string, params: URLSearchParams, key: string): Reply | 'never' {
    const hash = createHash('sha256').update(`${path} ${params}`).digest('hex');
    const known = keys.get(key);
    if (known === undefined) {
      const kept: Kept = { hash, reply: undefined };
      keys.set(key, kept);
      return execute(path, params, key, kept);
    }
    if (known.hash !== hash) return error(400, 'idempotency_error', '');
    if (known.reply === undefined) return error(409, 'invalid_request_error', 'idempotency_key_in_use');
    return { ...known.reply, replayed: true };
  }

  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const url = new URL(request.url ?? '', 'http://double');
      const path = url.pathname.replace('/v1/', '');
      state.calls.push(`${request.method} ${path.replace(/pi_\w+/, 'pi')}`);
      if (request.headers.authorization !== `Bearer ${STRIPE_KEY}` || state.brokenKey) {
        return send(response, error(401, 'invalid_request_error', ''));
      }
      if (request.method === 'GET') return send(response, books.get(path, url.searchParams));
      // The SDK's keys are ours: a request without one would be a bug.
      const key = request.headers['idempotency-key'];
      if (typeof key !== 'string') return send(response, error(400, 'invalid_request_error', 'no_key'));
      const reply = post(path, new URLSearchParams(body), key);
      if (reply !== 'never') send(response, reply);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    books,
    webhooks,
    state,
    act,
    releaseLate,
    /** As after a day: no key is known any more. */
    forgetKeys: () => keys.clear(),
    async close() {
      for (const timer of late.keys()) clearTimeout(timer);
      await webhooks.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, { status, body, replayed }: Reply): void {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'request-id': `req_${randomUUID()}` };
  if (replayed === true) headers['idempotent-replayed'] = 'true';
  response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
}
