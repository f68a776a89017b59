// Webhook signatures: HMAC-SHA256 over `timestamp.rawBody`, in a header `t=<seconds>,v1=<hex>[,v1=<hex>]`. Two secrets may
// be live at once, so that one can be replaced without losing a webhook.
import { createHmac, timingSafeEqual } from 'node:crypto';

const HEX_DIGEST = /^[0-9a-f]{64}$/;

function digest(secret: string, timestampSeconds: number, rawBody: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(`${timestampSeconds}.`).update(rawBody).digest();
}

export function sign(secret: string, timestampSeconds: number, rawBody: Uint8Array): string {
  return `t=${timestampSeconds},v1=${digest(secret, timestampSeconds, rawBody).toString('hex')}`;
}

/** The signed time, when one of the secrets has made one of the signatures; compared in constant time. */
export function verify(secrets: readonly string[], header: unknown, rawBody: Uint8Array): number | undefined {
  if (typeof header !== 'string' || header.length > 1000) return undefined;
  const parts = header.split(',').map((part) => part.trim());
  const timestamp = parts.find((part) => part.startsWith('t='))?.slice(2) ?? '';
  if (!/^\d{1,12}$/.test(timestamp)) return undefined;
  const given = parts.filter((part) => part.startsWith('v1=')).map((part) => part.slice(3));
  const signatures = given.filter((text) => HEX_DIGEST.test(text)).map((text) => Buffer.from(text, 'hex'));
  const isSigned = secrets
    .map((secret) => digest(secret, Number(timestamp), rawBody))
    .some((expected) => signatures.some((signature) => timingSafeEqual(expected, signature)));
  return isSigned ? Number(timestamp) : undefined;
}
