// Service credentials: a JWT that says which services a process is, signed with a key that only the deployment has.
// Used where no mesh proves identities (one machine, several processes); the `stoa` command makes the keys.
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';

const TYPE = 'svc+jwt';
const NAME = /^[a-z]+$/;

export interface CredentialKeys {
  /** Private JWK as JSON. Secret: whoever has it can be any service. */
  readonly signingKey: string;
  /** Public JWK as JSON, for every process. */
  readonly trustKey: string;
}

/** A fresh pair of Ed25519 keys. */
export async function createCredentialKeys(): Promise<CredentialKeys> {
  const { privateKey, publicKey } = await generateKeyPair('Ed25519', { extractable: true });
  return {
    signingKey: JSON.stringify(await exportJWK(privateKey)),
    trustKey: JSON.stringify(await exportJWK(publicKey)),
  };
}

/** The credential of a process that hosts these services. It does not expire: it lives as long as its key. */
export async function signServiceCredential(signingKey: string, services: readonly string[]): Promise<string> {
  for (const name of services) if (!NAME.test(name)) throw new Error(`not a service name: ${name}`);
  if (services.length === 0) throw new Error('a credential needs at least one service');
  return new SignJWT()
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE })
    .setSubject(services.join(','))
    .sign(await importKey(signingKey));
}

/** Verifies credentials; resolves with the services' names, rejects when the credential is not good. */
export function createCredentialVerifier(trustKey: string): (credential: string) => Promise<readonly string[]> {
  const key = importKey(trustKey);
  // Reported where it is used; an unreadable key must not be an unhandled rejection meanwhile.
  key.catch(() => {});
  return async (credential) => {
    const { payload } = await jwtVerify(credential, await key, { algorithms: ['EdDSA'], typ: TYPE });
    const names = (payload.sub ?? '').split(',');
    if (!names.every((name) => NAME.test(name))) throw new Error('the credential names no service');
    return names;
  };
}

async function importKey(json: string): Promise<CryptoKey> {
  const jwk = JSON.parse(json) as JWK;
  if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519') throw new Error('the credential key must be an Ed25519 JWK');
  return (await importJWK(jwk, 'EdDSA')) as CryptoKey;
}
