// Refresh and logout: what happens to a session after it was started.
import { Code, ConnectError, type MethodImpl } from '@connectrpc/connect';
import type { Tx } from '@stoa/chassis/postgres/database';
import { refuse } from '@stoa/chassis/rpc/errors';
import type { IdentityService } from '@stoa/proto/stoa/identity/v1/identity_pb';
import type { IdentityContext } from '../context.ts';
import { decideRotation } from '../domain/rotation.ts';
import type { RoleName } from '../infrastructure/accounts.ts';
import {
  isTokenText,
  lockToken,
  newTokenText,
  type RefreshToken,
  revokeByToken,
  revokeSession,
  rotateSession,
} from '../infrastructure/sessions.ts';
import { writeTokens } from './write.ts';

interface Rotated {
  readonly account: { readonly id: string; readonly role: RoleName };
  readonly token: RefreshToken;
}

export function refresh(context: IdentityContext): MethodImpl<typeof IdentityService.method.refresh> {
  return async ({ refreshToken }, call) => {
    if (!isTokenText(refreshToken)) throw invalidToken();
    const next = newTokenText(context.random);
    // A refusal is returned, not thrown, because what led to it (the revocation) has to be committed.
    const outcome = await context.db.transact((tx) => rotate(context, tx, refreshToken, next), { signal: call.signal });
    if (outcome instanceof ConnectError) throw outcome;
    return { tokens: await writeTokens(context, outcome.account, outcome.token) };
  };
}

async function rotate(context: IdentityContext, tx: Tx, presented: string, next: string) {
  const found = await lockToken(tx, presented);
  if (found === undefined) return invalidToken();
  const { sessionId, accountId, role } = found;
  const decision = decideRotation(found.token, found.session, found.now);
  switch (decision.kind) {
    case 'rotate': {
      const { generation } = decision;
      const days = context.config.refreshTokenDays;
      const token = await rotateSession(tx, { sessionId, generation, token: next, days });
      return { account: { id: accountId, role }, token } satisfies Rotated;
    }
    case 'revoke':
      await revokeSession(tx, sessionId, 'REUSE');
      tx.afterCommit(() => {
        context.log.warn('a spent refresh token was presented; its session is revoked', { id: sessionId });
        context.metrics.count('identity_refresh_reuse_total', 'Sessions revoked because a spent token came back');
      });
      return invalidToken();
    case 'refuse':
      return decision.why === 'SUPERSEDED' ? supersededToken() : invalidToken();
    default:
      return decision satisfies never;
  }
}

export function logout(context: IdentityContext): MethodImpl<typeof IdentityService.method.logout> {
  return async ({ refreshToken }) => {
    if (isTokenText(refreshToken)) await revokeByToken(context.db, refreshToken, 'LOGOUT');
    return {};
  };
}

/** One answer for unknown, expired, revoked and reused tokens: whoever holds one has to sign in again. */
function invalidToken(): ConnectError {
  return refuse(Code.Unauthenticated, 'REFRESH_TOKEN_INVALID', 'the refresh token is not valid; sign in again');
}

/** Told apart, because another tab then holds the newer token and there is no need to sign in again. */
function supersededToken(): ConnectError {
  return refuse(Code.Unauthenticated, 'REFRESH_TOKEN_SUPERSEDED', 'the refresh token was used a moment ago');
}
