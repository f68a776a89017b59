import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type BffUnderTest, readAnswer, startBff } from '../bff-under-test.ts';
import { createFakes } from '../fakes.ts';

const fakes = createFakes();
let bff: BffUnderTest;
let production: BffUnderTest;
beforeAll(async () => {
  bff = await startBff({ fakes: fakes.services });
  production = await startBff({ fakes: fakes.services, env: { STOA_ENV: 'production' }, ready: false });
});
afterEach(() => fakes.reset());
afterAll(() => Promise.all([bff.stop(), production.stop()]));

const JSON_TYPE = { 'content-type': 'application/json' };
const post = async (body: BodyInit, headers: Record<string, string> = JSON_TYPE, url = bff.url) =>
  readAnswer(await fetch(`${url}/graphql`, { method: 'POST', body, headers }));
const get = (path: string, init: RequestInit = {}, url = bff.url) => fetch(`${url}${path}`, init);
const query = (text: string) => `/graphql?query=${encodeURIComponent(text)}`;

describe('the body', () => {
  const CATEGORIES = '{ categories { id } }';
  const padded = (bytes: number) => {
    const frame = JSON.stringify({ query: CATEGORIES, variables: { pad: '' } });
    return JSON.stringify({ query: CATEGORIES, variables: { pad: 'x'.repeat(bytes - frame.length) } });
  };

  test('of 64 KiB is read, of one byte more is refused with 413', async () => {
    expect((await post(padded(65_536))).data.categories).toHaveLength(1);
    const answer = await post(padded(65_537));
    expect(answer.status).toBe(413);
    expect(answer.errors?.[0]).toMatchObject({
      message: expect.stringContaining('65536'),
      extensions: { code: 'BODY_TOO_LARGE', traceId: answer.headers.get('x-trace-id') },
    });
  });

  test('that is too large is refused also when it does not say how long it is', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${bff.url}/graphql`, { method: 'POST', headers: JSON_TYPE }, (response) => {
        resolve(response.statusCode);
        response.resume();
      });
      sent.on('error', reject);
      for (let chunk = 0; chunk < 10; chunk += 1) sent.write('x'.repeat(8_192));
    });
    expect(status).toBe(413);
  });

  test('that is no UTF-8 is refused with 400 and not repaired', async () => {
    const answer = await post(
      Buffer.concat([Buffer.from('{"query":"{ categories { id } } #'), Buffer.from([0xff]), Buffer.from('"}')]),
    );
    expect(answer.status).toBe(400);
    expect(answer.errors?.[0]?.extensions.code).toBe('BODY_NOT_UTF8');
  });

  test('with half a character in an escape is refused, with a whole one it is read', async () => {
    const body = (half: string) => `{"query": "{ categories { id } }", "variables": {"a": ["x${half}y"]}}`;
    expect((await post(body('\\ud83d\\ude00'))).data.categories).toHaveLength(1);
    expect((await post(body('\\\\ud800'))).data.categories).toHaveLength(1);
    for (const half of ['\\ud800', '\\uDFFF', '\\ude00\\ud83d']) {
      expect((await post(body(half))).errors?.[0]?.extensions.code).toBe('BODY_NOT_UTF8');
    }
  });

  test.each([
    ['empty', '', 'BODY_EMPTY'],
    ['no JSON', '{', 'BAD_REQUEST'],
    ['a batch', `[{"query":"${CATEGORIES}"}]`, 'BAD_REQUEST'],
    ['without a query', '{}', 'BAD_REQUEST'],
  ])('that is %s is refused with 400', async (_, body, code) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(answer.errors?.[0]?.extensions.code).toBe(code);
    expect(answer.text).not.toMatch(/SyntaxError|at JSON/);
  });
});

describe('what a foreign page could send', () => {
  const LOGOUT = 'mutation { logout(input: { refreshToken: "r" }) { __typename } }';

  test.each([
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/graphql',
  ])('a POST of %s is refused with 415', async (type) => {
    const answer = await post(`query=${encodeURIComponent(LOGOUT)}`, { 'content-type': type });
    expect(answer.status).toBe(415);
    expect(fakes.asked).toEqual([]);
  });

  test('a mutation by GET is refused with 405, a query is not', async () => {
    expect((await get(query(LOGOUT))).status).toBe(405);
    expect(fakes.asked).toEqual([]);
    expect((await readAnswer(await get(query('{ categories { id } }')))).data.categories).toHaveLength(1);
  });

  test('other methods are refused with 405', async () => {
    const response = await get('/graphql', { method: 'PUT', body: '{}', headers: JSON_TYPE });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, POST');
  });
});

describe('limits of a document', () => {
  test.each([
    ['characters', `{ categories { id } } #${'x'.repeat(16_384)}`, /16384 are allowed/],
    ['tokens', `{ ${'categories '.repeat(1_001)} }`, /1000 tokens/],
    [
      'aliases',
      `{ ${Array.from({ length: 8 }, (_, i) => `a${i}: categories { b${i}: id }`).join(' ')} }`,
      /16 aliases/,
    ],
    ['root fields', `{ ${'categories { id } '.repeat(11)} }`, /11 fields/],
    [
      'passwords guessed',
      'mutation { a: login(input: {email: "a", password: "b"}) { __typename } b: login(input: {email: "a", password: "c"}) { __typename } }',
      /one of login/,
    ],
  ])('%s beyond the limit are refused and nothing is asked', async (_, text, message) => {
    const { errors } = await bff.graphql(text);
    expect(errors?.[0]?.message).toMatch(message);
    expect(fakes.asked).toEqual([]);
  });

  test('the verdict holds for the second request with the same text, too', async () => {
    for (let time = 0; time < 2; time += 1) {
      const { errors } = await bff.graphql(`{ ${'categories { id } '.repeat(12)} }`);
      expect(errors?.[0]?.extensions.code).toBe('LIMIT_EXCEEDED');
    }
  });
});

describe('in production', () => {
  test('there is no introspection, no GraphiQL and no hint at names', async () => {
    for (const text of ['{ __schema { queryType { name } } }', '{ __type(name: "Query") { name } }']) {
      const { data, errors } = await production.graphql(text);
      expect(data).toBeUndefined();
      expect(errors?.[0]?.message).toMatch(/introspection/i);
    }
    const typo = await production.graphql('{ categorie { id } }');
    expect(typo.errors?.[0]?.message).toBe('Cannot query field "categorie" on type "Query".');
    const page = await get('/graphql', { headers: { accept: 'text/html' } }, production.url);
    expect(await page.text()).not.toContain('<html');
  });

  test('a long text that is quoted in an error is cut, however many hints it seems to hold', async () => {
    const variables = { first: ' Did you mean '.repeat(4_000) };
    const { errors } = await production.graphql(
      'query ($first: Int) { products(first: $first) { edges { cursor } } }',
      {
        variables,
      },
    );
    expect(errors?.[0]?.message).toMatch(/^Int cannot represent non-integer value: "( Did you mean ){30,40}.*…$/);
    expect(errors?.[0]?.message).toHaveLength(501);
  });

  test('in development there are', async () => {
    expect((await bff.graphql('{ __schema { queryType { name } } }')).data.__schema.queryType.name).toBe('Query');
    expect((await bff.graphql('{ categorie { id } }')).errors?.[0]?.message).toContain('Did you mean "categories"');
    expect(await (await get('/graphql', { headers: { accept: 'text/html' } })).text()).toContain('<html');
  });
});

describe('pages of other origins', () => {
  const origin = (value: string) => ({ headers: { origin: value } });
  const allowed = async (value: string, url = bff.url) =>
    (await get('/health/live', origin(value), url)).headers.get('access-control-allow-origin');

  test('in development any port of localhost may call, nobody else', async () => {
    expect(await allowed('http://localhost:5173')).toBe('http://localhost:5173');
    expect(await allowed('http://localhost')).toBe('http://localhost');
    for (const other of [
      'http://localhost.evil.example',
      'http://localhost:1.evil.example',
      'https://localhost:1',
      'null',
    ]) {
      expect(await allowed(other)).toBeNull();
    }
  });

  test('in production nobody may, unless configured', async () => {
    expect(await allowed('http://localhost:5173', production.url)).toBeNull();
    const shop = await startBff({
      env: { STOA_ENV: 'production', STOA_CORS_ORIGINS: 'https://shop.example, https://m.shop.example' },
    });
    expect(await allowed('https://m.shop.example', shop.url)).toBe('https://m.shop.example');
    expect(await allowed('https://evil.example', shop.url)).toBeNull();
    await shop.stop();
  });

  test('a preflight allows what GraphQL and Connect clients send', async () => {
    const response = await get('/graphql', {
      method: 'OPTIONS',
      headers: { origin: 'http://localhost:5173', 'access-control-request-method': 'POST' },
    });
    expect(response.status).toBe(204);
    const headers = response.headers.get('access-control-allow-headers')?.toLowerCase();
    for (const name of ['authorization', 'content-type', 'traceparent', 'connect-protocol-version'])
      expect(headers).toContain(name);
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
  });
});

describe('every answer', () => {
  test.each([
    '/graphql?query={categories{id}}',
    '/health/live',
    '/nothing',
    '/images/products/mug.svg',
    '/stoa.x.v1.X/Y',
  ])('of %s forbids sniffing and framing and names its trace', async (path) => {
    const { headers } = await get(path, {}, production.url);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/);
  });

  test('a trace context that cannot be read begins a new trace', async () => {
    const { headers } = await get('/health/live', { headers: { traceparent: '00-zz-1-01' } });
    expect(headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/);
  });

  test('an unknown path is 404', async () => {
    expect((await get('/nothing')).status).toBe(404);
  });
});

describe('health', () => {
  test('live as long as the process turns, ready when the process is', async () => {
    expect((await get('/health/live', {}, production.url)).status).toBe(200);
    expect((await get('/health/ready')).status).toBe(200);
    const unready = await get('/health/ready', {}, production.url);
    expect(unready.status).toBe(503);
    expect(await unready.json()).toEqual({ ready: false, reasons: { orders: 'no database' } });
  });
});

test('rate, errors and duration are told by route, never by path', async () => {
  await get('/a-path-from-outside');
  await bff.graphql('{ nothing }');
  const text = await bff.metrics();
  expect(text).toContain('stoa_http_request_seconds_count{route="other",status="404"}');
  expect(text).toContain('stoa_graphql_errors_total{code="GRAPHQL_VALIDATION_FAILED"}');
  expect(text).not.toContain('a-path-from-outside');
});

describe('pictures', () => {
  test('are drawn for a product and kept', async () => {
    for (let time = 0; time < 2; time += 1) {
      const response = await get('/images/products/mug.svg');
      expect(response.headers.get('content-type')).toContain('image/svg+xml');
      expect(response.headers.get('cache-control')).toContain('max-age');
      expect(await response.text()).toContain('<svg');
    }
    expect(fakes.asked.map(({ method }) => method)).toEqual(['getProduct', 'listCategories']);
  });

  test.each(['/images/products/..%2f..%2fetc.svg', '/images/products/A.svg', '/images/products/mug.png'])(
    '%s is 404 without a look-up',
    async (path) => {
      expect((await get(path)).status).toBe(404);
      expect(fakes.asked).toEqual([]);
    },
  );
});
