// Accounts and sessions. Tokens are handed to the client, which presents the access token as a bearer token; there
// are no cookies, hence nothing that a foreign page could ride on.
import { type Account, Role, type Tokens } from '@stoa/proto/stoa/identity/v1/identity_pb';
import { builder } from '../builder.ts';
import { given } from '../given.ts';
import { orUndefined } from '../loaders.ts';
import { mutation } from '../result.ts';
import { toDate } from '../time.ts';

const RoleRef = builder.enumType('Role', {
  values: { CUSTOMER: { value: Role.CUSTOMER }, STAFF: { value: Role.STAFF } },
});

const AccountRef = builder.objectRef<Account>('Account').implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    email: t.exposeString('email'),
    name: t.exposeString('name'),
    role: t.field({ type: RoleRef, resolve: ({ role }) => (role === Role.STAFF ? Role.STAFF : Role.CUSTOMER) }),
    createdAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ createdAt }) => toDate(createdAt) }),
  }),
});

const TokensRef = builder.objectRef<Tokens>('Tokens').implement({
  fields: (t) => ({
    accessToken: t.exposeString('accessToken', { description: 'Send it as "Authorization: Bearer <token>".' }),
    accessExpiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: ({ accessExpiresAt }) => toDate(accessExpiresAt),
    }),
    refreshToken: t.exposeString('refreshToken', { description: 'Usable once, with `refresh`.' }),
    refreshExpiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: ({ refreshExpiresAt }) => toDate(refreshExpiresAt),
    }),
  }),
});

interface Session {
  readonly account?: Account | undefined;
  readonly tokens?: Tokens | undefined;
}

const session = (name: string) =>
  builder.objectRef<Session>(name).implement({
    fields: (t) => ({
      account: t.field({ type: AccountRef, resolve: ({ account }) => given(account, 'an account') }),
      tokens: t.field({ type: TokensRef, resolve: ({ tokens }) => given(tokens, 'tokens') }),
    }),
  });

const RegisterInput = builder.inputType('RegisterInput', {
  fields: (t) => ({
    email: t.string({ required: true }),
    password: t.string({ required: true, description: '8 to 128 characters.' }),
    name: t.string({ required: true }),
  }),
});

const LoginInput = builder.inputType('LoginInput', {
  fields: (t) => ({
    email: t.string({ required: true }),
    password: t.string({ required: true }),
  }),
});

const RefreshInput = builder.inputType('RefreshInput', {
  fields: (t) => ({ refreshToken: t.string({ required: true }) }),
});

const LogoutInput = builder.inputType('LogoutInput', {
  fields: (t) => ({ refreshToken: t.string({ required: true }) }),
});

builder.queryField('me', (t) =>
  t.field({
    type: AccountRef,
    nullable: true,
    description: 'The signed-in customer; null for a guest.',
    resolve: async (_, _args, { clients, call, signedIn }) =>
      signedIn ? (await orUndefined(clients.identity.getMe({}, call())))?.account : null,
  }),
);

mutation('register', {
  description: 'Creates an account and signs it in.',
  credentials: true,
  input: RegisterInput,
  payload: session('RegisterPayload'),
  resolve: (input, { clients, callAsGuest }) => clients.identity.register(input, callAsGuest()),
});

mutation('login', {
  description: 'Signs in. An unknown address and a wrong password are refused alike.',
  credentials: true,
  input: LoginInput,
  payload: session('LoginPayload'),
  resolve: (input, { clients, callAsGuest }) => clients.identity.login(input, callAsGuest()),
});

mutation('refresh', {
  description: 'Exchanges a refresh token for new tokens. It is spent by that.',
  credentials: true,
  input: RefreshInput,
  payload: builder.objectRef<Pick<Session, 'tokens'>>('RefreshPayload').implement({
    fields: (t) => ({ tokens: t.field({ type: TokensRef, resolve: ({ tokens }) => given(tokens, 'tokens') }) }),
  }),
  resolve: (input, { clients, callAsGuest }) => clients.identity.refresh(input, callAsGuest()),
});

mutation('logout', {
  description: 'Ends the session that the refresh token belongs to. Unknown tokens are ignored.',
  credentials: true,
  input: LogoutInput,
  payload: builder.objectRef<{ readonly done: true }>('LogoutPayload').implement({
    fields: (t) => ({ done: t.exposeBoolean('done') }),
  }),
  resolve: async (input, { clients, callAsGuest }) => {
    await clients.identity.logout(input, callAsGuest());
    return { done: true } as const;
  },
});
