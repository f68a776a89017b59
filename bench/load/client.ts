// The leanest client that reads its answers: undici, kept-alive connections, JSON.
import { Pool } from 'undici';

export class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

export interface GraphQLClient {
  /** The data; throws `Refused` for errors and for the failures of a mutation's union. */
  // biome-ignore lint/suspicious/noExplicitAny: the documents say what comes back
  send(query: string, variables?: object): Promise<any>;
  close(): Promise<void>;
}

const ANSWER_TIMEOUT_MS = 60_000;

export function openClient(url: string, connections: number): GraphQLClient {
  const options = { connections, headersTimeout: ANSWER_TIMEOUT_MS, bodyTimeout: ANSWER_TIMEOUT_MS };
  const pool = new Pool(new URL(url).origin, options);
  const headers = { 'content-type': 'application/json' };
  return {
    async send(query, variables) {
      const body = JSON.stringify({ query, variables });
      const { statusCode, body: stream } = await pool.request({ method: 'POST', path: '/graphql', headers, body });
      const answer = (await stream.json()) as Answer;
      const error = answer.errors?.[0];
      if (error !== undefined) throw new Refused(error.extensions?.code ?? `HTTP_${statusCode}`, error.message);
      const data = answer.data ?? {};
      const result = data.result as { code?: string; message?: string } | undefined;
      if (result?.code !== undefined) throw new Refused(result.code, result.message ?? '');
      return data;
    },
    close: () => pool.destroy(),
  };
}
