// Reading one's own account, the public keys, and the operator's staff accounts.
import { Code, type MethodImpl } from '@connectrpc/connect';
import { userIdOf } from '@stoa/chassis/rpc/caller';
import { notFound, refuse } from '@stoa/chassis/rpc/errors';
import type { IdentityService } from '@stoa/proto/stoa/identity/v1/identity_pb';
import type { IdentityContext } from '../context.ts';
import {
  type AccountRow,
  findAccount,
  findCredential,
  renameAccount,
  upsertStaff,
} from '../infrastructure/accounts.ts';
import { revokeAllSessions } from '../infrastructure/sessions.ts';
import { type NewAccountRequest, readNewAccount } from './read.ts';
import { writeAccount } from './write.ts';

export function getMe(context: IdentityContext): MethodImpl<typeof IdentityService.method.getMe> {
  return async (_request, call) => {
    const id = userIdOf(call);
    if (id === undefined) throw refuse(Code.Unauthenticated, 'SIGN_IN_REQUIRED', 'nobody is signed in');
    const account = await findAccount(context.db, id);
    if (account === undefined) throw notFound('ACCOUNT_NOT_FOUND', 'the account no longer exists');
    return { account: writeAccount(account) };
  };
}

export function getJwks(context: IdentityContext): MethodImpl<typeof IdentityService.method.getJwks> {
  return () => ({ jwksJson: context.deps.keys.jwksJson() });
}

export function ensureStaff(context: IdentityContext): MethodImpl<typeof IdentityService.method.ensureStaff> {
  return async (request, call) => {
    const wanted = readNewAccount(request);
    const unchanged = await keepStaff(context, wanted, call.signal);
    if (unchanged !== undefined) return { account: writeAccount(unchanged) };
    const passwordHash = await context.deps.passwords.hash(wanted.password, call.signal);
    const id = context.ids.uuid();
    const account = await context.db.transact(async (tx) => {
      const stored = await upsertStaff(tx, { id, email: wanted.email, name: wanted.name, passwordHash });
      // Whoever was signed in under the old password, or registered the address as a customer before, is out.
      await revokeAllSessions(tx, stored.id, 'PASSWORD_CHANGE');
      return stored;
    });
    return { account: writeAccount(account) };
  };
}

/** When the account is staff with this very password, repeating the command must not sign anybody out. */
async function keepStaff(
  context: IdentityContext,
  wanted: NewAccountRequest,
  signal: AbortSignal,
): Promise<AccountRow | undefined> {
  const known = await findCredential(context.db, wanted.email);
  if (known?.role !== 'staff') return undefined;
  const { matches } = await context.deps.passwords.verify(wanted.password, known.password_hash, signal);
  return matches ? renameAccount(context.db, known.id, wanted.name) : undefined;
}
