// What identity's code reaches.
import type { ConfigOf } from '@stoa/chassis/config';
import type { ServiceContext } from '@stoa/chassis/service';
import type { config } from './config/config.ts';
import type { AttemptGate } from './infrastructure/attempt-gate.ts';
import type { Passwords } from './infrastructure/passwords.ts';
import type { KeyRing } from './infrastructure/signing-keys.ts';

export interface IdentityDeps {
  readonly keys: KeyRing;
  readonly passwords: Passwords;
  readonly gate: AttemptGate;
}

export type IdentityConfig = ConfigOf<typeof config>;
export type IdentityContext = ServiceContext<IdentityConfig, IdentityDeps>;
