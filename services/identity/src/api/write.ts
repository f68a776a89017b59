// Answers, written.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type AccountSchema, Role, type TokensSchema } from '@stoa/proto/stoa/identity/v1/identity_pb';
import type { IdentityContext } from '../context.ts';
import { signAccessToken } from '../infrastructure/access-tokens.ts';
import type { AccountRow, RoleName } from '../infrastructure/accounts.ts';
import type { RefreshToken } from '../infrastructure/sessions.ts';

const ROLES: Readonly<Record<RoleName, Role>> = { customer: Role.CUSTOMER, staff: Role.STAFF };

export function writeAccount(row: AccountRow): MessageInitShape<typeof AccountSchema> {
  const { id, email, name, role, created_at } = row;
  return { id, email, name, role: ROLES[role], createdAt: timestampFromDate(created_at) };
}

/** Signs an access token to go with the refresh token that was just stored. */
export async function writeTokens(
  context: IdentityContext,
  account: { readonly id: string; readonly role: RoleName },
  refresh: RefreshToken,
): Promise<MessageInitShape<typeof TokensSchema>> {
  const access = await signAccessToken(context.deps.keys.current(), {
    accountId: account.id,
    role: account.role,
    tokenId: context.ids.uuid(),
    issuedAt: context.clock.now(),
    seconds: context.config.accessTokenSeconds,
  });
  return {
    accessToken: access.text,
    accessExpiresAt: timestampFromDate(access.expiresAt),
    refreshToken: refresh.text,
    refreshExpiresAt: timestampFromDate(refresh.expiresAt),
  };
}
