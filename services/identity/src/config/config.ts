// What identity reads from the environment.
import { withDefault } from '@stoa/chassis/config';

export const config = {
  accessTokenSeconds: withDefault('integer', 'STOA_ACCESS_TOKEN_SECONDS', 600, {
    help: 'life of an access token; it cannot be revoked, so 10 minutes is the most',
    min: 5,
    max: 600,
  }),
  refreshTokenDays: withDefault('integer', 'STOA_REFRESH_TOKEN_DAYS', 30, {
    help: 'a session that is not used for this long ends',
    min: 1,
    max: 365,
  }),
  signingKeyDays: withDefault('integer', 'STOA_SIGNING_KEY_DAYS', 90, {
    help: 'age at which the signing key is replaced',
    min: 1,
    max: 3650,
  }),
  hashConcurrency: withDefault('integer', 'STOA_HASH_CONCURRENCY', 2, {
    help: 'passwords hashed at once; each takes a thread, 19 MiB and about 30 ms',
    min: 1,
    max: 64,
  }),
  hashWaitingMax: withDefault('integer', 'STOA_HASH_WAITING_MAX', 64, {
    help: 'hashes that may wait; beyond, requests are shed with OVERLOADED',
    min: 0,
    max: 10_000,
  }),
  hashesPerSecond: withDefault('integer', 'STOA_HASHES_PER_SECOND', 30, {
    help: 'sign-ins and registrations accepted each second by one process, whoever asks',
    min: 1,
    max: 10_000,
  }),
};
