// What payments reads from its environment.
import { type ConfigOf, type ConfigSpec, withDefault } from '@stoa/chassis/config';

export const config = {
  provider: withDefault('string', 'STOA_PAYMENTS_PROVIDER', 'sandbox', {
    help: 'payment provider; "sandbox" is the one in the box',
  }),
  callDeadlineMs: withDefault('integer', 'STOA_PAYMENTS_CALL_DEADLINE_MS', 3000, {
    help: 'longest wait for one answer of the provider, in milliseconds',
    min: 10,
    max: 60_000,
  }),
  concurrency: withDefault('integer', 'STOA_PAYMENTS_CONCURRENCY', 64, {
    help: 'calls under way at the provider at any moment; a quarter of them is for repetitions',
    min: 2,
    max: 1000,
  }),
  retryBaseMs: withDefault('integer', 'STOA_PAYMENTS_RETRY_BASE_MS', 100, {
    help: 'pause before the first repetition of a call; it doubles from there',
    min: 1,
    max: 60_000,
  }),
  retryCapMs: withDefault('integer', 'STOA_PAYMENTS_RETRY_CAP_MS', 10_000, {
    help: 'longest pause between two repetitions of a call',
    min: 1,
    max: 3_600_000,
  }),
  sandboxLateMs: withDefault('integer', 'STOA_PAYMENTS_SANDBOX_LATE_MS', 20_000, {
    help: 'sandbox only: how late the authorization of tok_late_charge appears',
    min: 0,
    max: 3_600_000,
  }),
} satisfies ConfigSpec;

export type PaymentsConfig = ConfigOf<typeof config>;
