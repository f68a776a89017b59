// The signed-in customer's preferences.
import { Code, type HandlerContext, type MethodImpl } from '@connectrpc/connect';
import { userIdOf } from '@stoa/chassis/rpc/caller';
import { refuse } from '@stoa/chassis/rpc/errors';
import { validate } from '@stoa/chassis/rpc/validate';
import { Category, type NotificationsService } from '@stoa/proto/stoa/notifications/v1/notifications_pb';
import type { NotificationsContext } from '../context.ts';
import { CATEGORIES, type CategoryName } from '../domain/template.ts';
import { loadPreferences, storePreference } from '../infrastructure/preferences.ts';

const WIRE: Readonly<Record<CategoryName, Category>> = {
  ORDER_STATUS: Category.ORDER_STATUS,
  SHIPMENT: Category.SHIPMENT,
};

export function getPreferences(
  context: NotificationsContext,
): MethodImpl<typeof NotificationsService.method.getPreferences> {
  return async (_request, call) => ({ preferences: await preferencesOf(context, customerOf(call)) });
}

export function setPreference(
  context: NotificationsContext,
): MethodImpl<typeof NotificationsService.method.setPreference> {
  return async ({ preference }, call) => {
    const customerId = customerOf(call);
    const category = CATEGORIES.find((name) => WIRE[name] === preference?.category);
    validate((checks) => checks.require(category !== undefined, 'preference.category', 'must be a known category'));
    const enabled = preference?.enabled ?? false;
    await storePreference(context.db, customerId, { category: category as CategoryName, enabled });
    return { preferences: await preferencesOf(context, customerId) };
  };
}

/** Every category; those never set are on. */
async function preferencesOf(context: NotificationsContext, customerId: string) {
  const stored = new Map((await loadPreferences(context.db, customerId)).map((row) => [row.category, row.enabled]));
  return CATEGORIES.map((name) => ({ category: WIRE[name], enabled: stored.get(name) ?? true }));
}

function customerOf(call: HandlerContext): string {
  const id = userIdOf(call);
  if (id === undefined) throw refuse(Code.Unauthenticated, 'SIGN_IN_REQUIRED', 'nobody is signed in');
  return id;
}
