// Identity: accounts, credentials and sessions. Publishes and consumes nothing: personal data never travels in events.
import { implement } from '@stoa/chassis/rpc/implement';
import { defineService } from '@stoa/chassis/service';
import { IdentityService } from '@stoa/proto/stoa/identity/v1/identity_pb';
import { ensureStaff, getJwks, getMe } from './api/accounts.ts';
import { logout, refresh } from './api/sessions.ts';
import { login, register } from './api/sign-in.ts';
import { config } from './config/config.ts';
import type { IdentityContext, IdentityDeps } from './context.ts';
import { createAttemptGate } from './infrastructure/attempt-gate.ts';
import { forgetAttempts } from './infrastructure/login-throttle.ts';
import { createPasswords } from './infrastructure/passwords.ts';
import { forgetSessions } from './infrastructure/sessions.ts';
import { openKeyRing } from './infrastructure/signing-keys.ts';

const DAY_MS = 24 * 60 * 60_000;

export const identity = defineService({
  name: 'identity',
  config,
  migrations: new URL('../migrations/', import.meta.url),
  jobs: [
    {
      // Well below the time that a new key is published ahead (10 min), so that every replica knows it when it signs.
      name: 'refresh-keys',
      everyMs: 60_000,
      run: async (context: IdentityContext) => {
        await context.deps.keys.refresh();
        return false;
      },
    },
    {
      name: 'forget',
      everyMs: 5 * 60_000,
      run: async (context: IdentityContext) => {
        await forgetAttempts(context.db);
        return forgetSessions(context.db);
      },
    },
  ],
  setup: async ({ config, db, clock, random }): Promise<IdentityDeps> => ({
    keys: await openKeyRing(db, random, {
      rotateAfterMs: config.signingKeyDays * DAY_MS,
      tokenLifeMs: config.accessTokenSeconds * 1000,
    }),
    passwords: createPasswords(random, { concurrency: config.hashConcurrency, waitingMax: config.hashWaitingMax }),
    gate: createAttemptGate(clock, config.hashesPerSecond),
  }),
  rpc: (context) => [
    implement(IdentityService, {
      register: register(context),
      login: login(context),
      refresh: refresh(context),
      logout: logout(context),
      getMe: getMe(context),
      getJwks: getJwks(context),
      ensureStaff: ensureStaff(context),
    }),
  ],
});
