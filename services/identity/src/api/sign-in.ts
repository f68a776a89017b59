// Register and login: everything that starts a session.
//
// The order is the defence: read, cheap limits in memory, the account's own delay in the database, and only then the
// hash, which is what costs. At the login an unknown address goes the same way as a known one, down to a hash of equal
// cost, so neither text, nor code, nor time tells which addresses have accounts. Registering does tell (EMAIL_TAKEN):
// without mail to confirm an address there is no other answer. A peer is slowed down in learning it; see the README.
import { Code, ConnectError, type MethodImpl } from '@connectrpc/connect';
import type { Tx } from '@stoa/chassis/postgres/database';
import { causeOf } from '@stoa/chassis/rpc/caller';
import { refuse } from '@stoa/chassis/rpc/errors';
import type { IdentityService } from '@stoa/proto/stoa/identity/v1/identity_pb';
import type { IdentityContext } from '../context.ts';
import {
  type Credential,
  findCredential,
  holdCredential,
  insertAccount,
  replaceHash,
} from '../infrastructure/accounts.ts';
import { tooManyAttempts } from '../infrastructure/attempt-gate.ts';
import {
  type AttemptKeys,
  attemptKeys,
  chargeAttempt,
  chargeRegistration,
  refundAttempt,
  refundRegistration,
  registerKey,
  waitOf,
} from '../infrastructure/login-throttle.ts';
import { newTokenText, startSession } from '../infrastructure/sessions.ts';
import { peerOf, readLogin, readNewAccount } from './read.ts';
import { writeAccount, writeTokens } from './write.ts';

export function register(context: IdentityContext): MethodImpl<typeof IdentityService.method.register> {
  return async (request, call) => {
    const { email, password, name } = readNewAccount(request);
    const peer = peerOf(call);
    context.deps.gate.enter(peer);
    const key = registerKey(peer);
    // Saves the hash; what decides is the charge below.
    const waitMs = await waitOf(context.db, key);
    if (waitMs > 0) throw tooManyAttempts(waitMs);
    const passwordHash = await context.deps.passwords.hash(password, call.signal);
    const account = { id: context.ids.uuid(), email, name, role: 'customer' as const, passwordHash };
    const session = sessionFor(context, account.id);
    // A refusal is returned, not thrown, because what it costs the peer has to be committed.
    const outcome = await context.db.transact(
      async (tx) => {
        if (!(await chargeRegistration(tx, key))) return tooManyAttempts(await waitOf(tx, key));
        const stored = await insertAccount(tx, account);
        if (stored === undefined) return refuse(Code.AlreadyExists, 'EMAIL_TAKEN', 'this address has an account');
        await refundRegistration(tx, key);
        return { row: stored, refresh: await startSession(tx, session) };
      },
      { cause: causeOf(call), signal: call.signal },
    );
    if (outcome instanceof ConnectError) throw outcome;
    const { row, refresh } = outcome;
    context.deps.gate.succeed(peer);
    return { account: writeAccount(row), tokens: await writeTokens(context, row, refresh) };
  };
}

export function login(context: IdentityContext): MethodImpl<typeof IdentityService.method.login> {
  return async (request, call) => {
    const { email, password } = readLogin(request);
    const peer = peerOf(call);
    context.deps.gate.enter(peer);
    const keys = attemptKeys(email, peer);
    const charge = await chargeAttempt(context.db, keys);
    if (!charge.allowed) {
      counted(context, 'throttled');
      throw tooManyAttempts(charge.waitMs);
    }
    const credential = await findCredential(context.db, email);
    const verdict = await context.deps.passwords.verify(password, credential?.password_hash, call.signal);
    if (credential === undefined || !verdict.matches) throw badCredentials(context);
    const rehashed = verdict.outdated ? await context.deps.passwords.hash(password, call.signal) : undefined;
    const refresh = await signIn(context, { credential, keys, accountCharged: charge.accountCharged, rehashed });
    if (refresh === undefined) throw badCredentials(context);
    context.deps.gate.succeed(peer);
    counted(context, 'accepted');
    return { account: writeAccount(credential), tokens: await writeTokens(context, credential, refresh) };
  };
}

interface SignIn {
  readonly credential: Credential;
  readonly keys: AttemptKeys;
  readonly accountCharged: boolean;
  readonly rehashed: string | undefined;
}

/** Starts the session; undefined when the password was changed since it was verified. */
function signIn(context: IdentityContext, { credential, keys, accountCharged, rehashed }: SignIn) {
  const session = sessionFor(context, credential.id);
  const { id, password_hash: verified } = credential;
  return context.db.transact(async (tx: Tx) => {
    const held = await (rehashed === undefined
      ? holdCredential(tx, id, verified)
      : replaceHash(tx, id, verified, rehashed));
    if (!held) return undefined;
    await refundAttempt(tx, keys, accountCharged);
    return startSession(tx, session);
  });
}

function badCredentials(context: IdentityContext): Error {
  counted(context, 'refused');
  return refuse(Code.Unauthenticated, 'BAD_CREDENTIALS', 'the address or the password is wrong');
}

function sessionFor(context: IdentityContext, accountId: string) {
  const { ids, random, config } = context;
  return { id: ids.uuid(), accountId, token: newTokenText(random), days: config.refreshTokenDays };
}

function counted(context: IdentityContext, outcome: 'accepted' | 'refused' | 'throttled'): void {
  context.metrics.count('identity_logins_total', 'Sign-ins by outcome', { outcome });
}
