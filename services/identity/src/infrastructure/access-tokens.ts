// Access tokens: signed JWTs after RFC 9068. Short-lived, because they cannot be revoked.
import { SignJWT } from 'jose';
import type { RoleName } from './accounts.ts';
import type { SigningKey } from './signing-keys.ts';

/** Who issues the tokens and whom they are for; what verifies them asks for exactly these. */
const ISSUER = 'stoa';
const AUDIENCE = 'stoa';

export interface AccessToken {
  readonly text: string;
  readonly expiresAt: Date;
}

export interface Grant {
  readonly accountId: string;
  readonly role: RoleName;
  readonly tokenId: string;
  readonly issuedAt: Date;
  readonly seconds: number;
}

export async function signAccessToken(key: SigningKey, grant: Grant): Promise<AccessToken> {
  const issuedAt = Math.floor(grant.issuedAt.getTime() / 1000);
  const expiresAt = issuedAt + grant.seconds;
  const text = await new SignJWT({ role: grant.role })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(grant.accountId)
    .setJti(grant.tokenId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .sign(key.privateKey);
  return { text, expiresAt: new Date(expiresAt * 1000) };
}
