// Who calls: the service, proven by its transport, its credential or its mesh identity, and the user behind it, proven
// by the access token that travels along. Every process verifies both itself; nothing is believed because of where a
// call came from. Once verified, a call with the same credentials is recognised without waiting.
import { Code, type ConnectError } from '@connectrpc/connect';
import type { JSONWebKeySet } from 'jose';
import type { Clock } from '../runtime.ts';
import type { Identity } from './authorize.ts';
import type { User } from './caller.ts';
import { createCredentialVerifier } from './credentials.ts';
import type { Authenticate } from './dispatcher.ts';
import { refuse } from './errors.ts';
import { AUTHORIZATION, MESH_IDENTITY, SERVICE_CREDENTIAL } from './headers.ts';
import { createBoundedMap } from './two-generations.ts';
import { createUserTokenVerifier } from './user-tokens.ts';

/** How a calling service in another process proves its name. */
export type ServiceIdentity =
  /** Only calls within the process have a service. */
  | { readonly from: 'transport' }
  /** By a credential that the holder of the signing key made; `trustKey` as `createCredentialKeys` returns it. */
  | { readonly from: 'credential'; readonly trustKey: string }
  /** By the mesh's mutual TLS. Only behind a Linkerd proxy, which removes the header from anybody else's calls. */
  | { readonly from: 'mesh'; readonly namespace: string };

export interface AuthenticateOptions {
  readonly clock: Clock;
  readonly services: ServiceIdentity;
  /** Fetches the keys of access tokens (from identity). Undefined: nobody can be signed in. */
  readonly keys?: () => Promise<JSONWebKeySet>;
}

const NONE: readonly string[] = [];
const CREDENTIALS_MAX = 256;
const BEARER = /^bearer +(\S+)$/i;
const MESH_NAME = /^([a-z-]+)\.([a-z0-9-]+)\.serviceaccount\.identity\.linkerd\./;

export function createAuthenticate(options: AuthenticateOptions): Authenticate {
  const servicesOf = serviceReader(options.services);
  const userOf = options.keys === undefined ? refuseTokens : createUserTokenVerifier(options.keys, options.clock);
  return (call) => {
    const token = bearerToken(call.header(AUTHORIZATION));
    const services = call.service === undefined ? servicesOf(call) : [call.service];
    const user = token === undefined ? undefined : userOf(token);
    if (services instanceof Promise || user instanceof Promise) return resolved(services, user, token);
    return { services, user, token };
  };
}

async function resolved(
  services: readonly string[] | Promise<readonly string[]>,
  user: User | undefined | Promise<User>,
  token: string | undefined,
): Promise<Identity> {
  // Together, so that a failure of one does not leave the other's unhandled.
  const [known, knownUser] = await Promise.all([services, user]);
  return { services: known, user: knownUser, token };
}

function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined || header === '') return undefined;
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) throw invalidToken('the authorization header is not a bearer token');
  return token;
}

function refuseTokens(): never {
  throw invalidToken('access tokens are not accepted here');
}

function invalidToken(message: string): ConnectError {
  return refuse(Code.Unauthenticated, 'TOKEN_INVALID', message);
}

type ServiceReader = (call: Parameters<Authenticate>[0]) => readonly string[] | Promise<readonly string[]>;

function serviceReader(identity: ServiceIdentity): ServiceReader {
  switch (identity.from) {
    case 'transport':
      return () => NONE;
    case 'mesh':
      return (call) => meshServices(call.header(MESH_IDENTITY), identity.namespace);
    case 'credential':
      return credentialReader(identity.trustKey);
    default:
      return identity satisfies never;
  }
}

/** A service account carries the names of the services its pods host, joined by '-'. */
function meshServices(clientId: string | undefined, namespace: string): readonly string[] {
  const [, account, home] = MESH_NAME.exec(clientId ?? '') ?? [];
  return account === undefined || home !== namespace ? NONE : account.split('-');
}

function credentialReader(trustKey: string): ServiceReader {
  const verify = createCredentialVerifier(trustKey);
  const verified = createBoundedMap<readonly string[]>(CREDENTIALS_MAX);
  return (call) => {
    const credential = call.header(SERVICE_CREDENTIAL);
    if (credential === undefined) return NONE;
    return verified.get(credential) ?? remember(credential);
  };
  async function remember(credential: string): Promise<readonly string[]> {
    const services = await verify(credential).catch(() => {
      throw refuse(Code.PermissionDenied, 'CALLER_NOT_ALLOWED', 'the service credential is not valid');
    });
    verified.set(credential, services);
    return services;
  }
}
