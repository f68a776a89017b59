// Which e-mails the signed-in customer wants.
import { Category, type Preference } from '@stoa/proto/stoa/notifications/v1/notifications_pb';
import { builder } from '../builder.ts';
import { mutation } from '../result.ts';

const NotificationCategoryRef = builder.enumType('NotificationCategory', {
  values: {
    ORDER_STATUS: { value: Category.ORDER_STATUS, description: 'Confirmation and rejection.' },
    SHIPMENT: { value: Category.SHIPMENT },
  },
});

const PreferenceRef = builder.objectRef<Preference>('NotificationPreference').implement({
  fields: (t) => ({
    category: t.field({
      type: NotificationCategoryRef,
      resolve: ({ category }) => category as typeof NotificationCategoryRef.$inferType,
    }),
    enabled: t.exposeBoolean('enabled'),
  }),
});

/** Categories that this version of the API does not name are left out. */
function named(preferences: readonly Preference[]): Preference[] {
  return preferences.filter(({ category }) => category === Category.ORDER_STATUS || category === Category.SHIPMENT);
}

const SetPreferenceInput = builder.inputType('NotificationPreferenceSetInput', {
  fields: (t) => ({
    category: t.field({ type: NotificationCategoryRef, required: true }),
    enabled: t.boolean({ required: true }),
  }),
});

builder.queryField('notificationPreferences', (t) =>
  t.field({
    type: [PreferenceRef],
    nullable: true,
    description: "The signed-in customer's; categories never set are on.",
    resolve: async (_, _args, { clients, call }) =>
      named((await clients.notifications.getPreferences({}, call())).preferences),
  }),
);

interface PreferencesAnswer {
  readonly preferences: readonly Preference[];
}

mutation('notificationPreferenceSet', {
  description: 'Turns a category of e-mails on or off.',
  input: SetPreferenceInput,
  payload: builder.objectRef<PreferencesAnswer>('NotificationPreferenceSetPayload').implement({
    fields: (t) => ({
      preferences: t.field({ type: [PreferenceRef], resolve: ({ preferences }) => named(preferences) }),
    }),
  }),
  names: { 'preference.': '' },
  resolve: (preference, { clients, call }) => clients.notifications.setPreference({ preference }, call()),
});
