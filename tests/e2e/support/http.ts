// The shop as any HTTP client meets it: nothing of an answer is hidden, good or bad.

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the query selects
  readonly data: any;
  readonly errors: readonly AnswerError[] | undefined;
}

export interface AnswerError {
  readonly message: string;
  readonly extensions: { readonly code: string; readonly traceId?: string };
}

/** One GraphQL request. */
export async function ask(url: string, query: string, variables: object = {}, headers: Record<string, string> = {}) {
  return post(url, JSON.stringify({ query, variables }), headers);
}

/** One POST to /graphql with exactly this body. */
export async function post(url: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  const text = await response.text();
  const { data, errors } = text.startsWith('{') ? JSON.parse(text) : {};
  const answer: Answer = { status: response.status, headers: response.headers, text, data, errors };
  return answer;
}

/** Everything that a subscription tells until the server completes it. */
export async function subscribe(url: string, query: string): Promise<{ events: string[]; data: Answer[] }> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query }),
  });
  const blocks = (await response.text()).split('\n\n').filter((block) => block.startsWith('event:'));
  const data = blocks.map((block) => /^data: ?(.+)$/m.exec(block)?.[1]).filter((text) => text !== undefined);
  return {
    events: blocks.map((block) => /^event: (.*)$/m.exec(block)?.[1] ?? ''),
    data: data.map((text) => JSON.parse(text)),
  };
}
