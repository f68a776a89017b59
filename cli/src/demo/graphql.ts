// One GraphQL request over a kept-alive connection pool. What a client can tell apart is told apart: an answer, an
// answer with errors, and no answer at all, after which nobody knows what the server did.
import { Pool } from 'undici';

/** Why there is no payload. */
export interface Failure {
  readonly ok: false;
  /** The API's stable code, or TRANSPORT, or HTTP_<status>. */
  readonly code: string;
  readonly message: string;
  /** The same request may be sent again and may then succeed. Without an answer, it may also have been done already. */
  readonly retryable: boolean;
  readonly traceId?: string;
}

export type Result<T> = ({ readonly ok: true } & T) | Failure;

export interface GraphQLRequest {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** A signed-in customer's access token. */
  readonly accessToken?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface GraphQLClient {
  send<Data>(request: GraphQLRequest): Promise<Result<{ readonly data: Data }>>;
  close(): Promise<void>;
}

interface Body<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string; readonly retryable?: boolean; readonly traceId?: string };
  }[];
}

/** Above the server's own budget of 8 s: it answers first, unless it is gone. */
const ANSWER_TIMEOUT_MS = 15_000;

export function openGraphQL(url: string, connections: number): GraphQLClient {
  const pool = new Pool(new URL(url).origin, {
    connections,
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
    connect: { timeout: 3000 },
  });
  return {
    async send<Data>({ query, variables, accessToken, signal }: GraphQLRequest): Promise<Result<{ data: Data }>> {
      try {
        const { statusCode, body } = await pool.request({
          method: 'POST',
          path: '/graphql',
          headers: {
            'content-type': 'application/json',
            ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
          },
          body: JSON.stringify({ query, variables }),
          signal: signal ?? null,
        });
        return readAnswer<Data>(statusCode, await body.text());
      } catch (error) {
        const { message, code = '' } = error as Error & { code?: string };
        return { ok: false, code: 'TRANSPORT', message: `${code} ${message}`.trim(), retryable: true };
      }
    },
    close: () => pool.destroy(),
  };
}

/** What an HTTP answer says. Exported for tests. */
export function readAnswer<Data>(status: number, text: string): Result<{ data: Data }> {
  let body: Body<Data> | undefined;
  try {
    body = JSON.parse(text) as Body<Data>;
  } catch {
    body = undefined;
  }
  const error = body?.errors?.[0];
  if (error !== undefined) {
    const { code = `HTTP_${status}`, retryable = false, traceId } = error.extensions ?? {};
    return {
      ok: false,
      code,
      message: error.message,
      retryable: retryable || status >= 500 || code === 'UNAVAILABLE',
      ...(traceId === undefined ? {} : { traceId }),
    };
  }
  if (status >= 400 || body?.data == null) {
    const message = `HTTP ${status}: ${text.slice(0, 200)}`;
    return { ok: false, code: `HTTP_${status}`, message, retryable: status >= 500 };
  }
  return { ok: true, data: body.data };
}
