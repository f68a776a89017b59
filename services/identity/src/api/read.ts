// Requests, read: every violation at once, values in the form in which they are stored and looked up.
import type { HandlerContext } from '@connectrpc/connect';
import { CLIENT_ADDRESS } from '@stoa/chassis/rpc/headers';
import { validate } from '@stoa/chassis/rpc/validate';
import { normalizeEmail } from '../domain/email.ts';
import { isAcceptablePassword, isPresentablePassword } from '../domain/password.ts';

const NAME_MAX = 200;
const EMAIL_RULE = 'must be an e-mail address';

export interface NewAccountRequest {
  readonly email: string;
  readonly password: string;
  readonly name: string;
}

export interface LoginAttempt {
  readonly email: string;
  readonly password: string;
}

export function readNewAccount(request: NewAccountRequest): NewAccountRequest {
  const email = normalizeEmail(request.email);
  validate((checks) => {
    checks.require(email !== undefined, 'email', EMAIL_RULE);
    checks.require(isAcceptablePassword(request.password), 'password', 'must have 8 to 128 characters');
    checks.text('name', request.name, 1, NAME_MAX);
  });
  return { email: email as string, password: request.password, name: request.name.trim() };
}

/** Refuses only what cannot be anybody's credential, so the refusal says nothing about accounts. */
export function readLogin(request: LoginAttempt): LoginAttempt {
  const email = normalizeEmail(request.email);
  validate((checks) => {
    checks.require(email !== undefined, 'email', EMAIL_RULE);
    checks.require(isPresentablePassword(request.password), 'password', 'must be given');
  });
  return { email: email as string, password: request.password };
}

/** Whom attempts are counted by: the client's address as the edge tells it; only the edge can call these methods. */
export function peerOf(call: HandlerContext): string | undefined {
  return call.requestHeader.get(CLIENT_ADDRESS) ?? undefined;
}
