// Webhook signatures.
import { expect, test } from 'vitest';
import { sign, verify } from '../../src/infrastructure/webhooks/signature.ts';

const body = Buffer.from('{"id":"evt_1","data":{"payment_id":"x"}}');
const now = 1_760_000_000;

test('a signature over the timestamp and the raw body is accepted, under either live secret', () => {
  expect(verify(['new', 'old'], sign('new', now, body), body)).toBe(now);
  expect(verify(['new', 'old'], sign('old', now, body), body)).toBe(now);
});

test('several signatures in one header are each tried, as while a secret is replaced', () => {
  const [, foreign] = sign('foreign', now, body).split(',');
  expect(verify(['old'], `${sign('old', now, body)},${foreign}`, body)).toBe(now);
});

test.each([
  ['another secret', sign('forged', now, body), body],
  ['an altered byte', sign('new', now, body), Buffer.from(body.toString().replace('evt_1', 'evt_2'))],
  ['the body written again', sign('new', now, body), Buffer.from(JSON.stringify(JSON.parse(`${body}`), null, 1))],
  ['another time', sign('new', now, body).replace(`${now}`, `${now + 1}`), body],
  ['no time', sign('new', now, body).replace(/^t=\d+,/, ''), body],
  ['no signature', `t=${now}`, body],
  ['a signature cut short', sign('new', now, body).slice(0, -2), body],
  ['no header', undefined, body],
])('%s is refused', (_what, header, bytes) => {
  expect(verify(['new', 'old'], header, bytes)).toBeUndefined();
});
