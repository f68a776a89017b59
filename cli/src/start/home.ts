// What is kept under the home folder (`.stoa/` in the repository, or STOA_HOME) besides the servers' data: secrets that
// must survive restarts, and a note of what runs now, by which the other commands find it.
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCredentialKeys } from '@stoa/chassis/rpc/credentials';
import { markOf, processState } from '../infrastructure/processes.ts';
import { readSecrets, updateSecrets } from '../infrastructure/secrets.ts';

const DEFAULT_HOME = fileURLToPath(new URL('../../../.stoa', import.meta.url));

/** The folder that everything is kept in: the same one wherever a command is called from. */
export function homeFolder(env: NodeJS.ProcessEnv): string {
  return env.STOA_HOME ? resolve(env.STOA_HOME) : DEFAULT_HOME;
}

export interface HomeSecrets {
  /** Passwords of the databases' roles are derived from it. */
  readonly roles: string;
  readonly orderTokens: string;
  readonly credentialSigningKey: string;
  readonly credentialTrustKey: string;
}

const random = () => randomBytes(32).toString('base64url');

/** Reads the home's secrets, making those that are missing. Hold the home's lock. */
export async function homeSecrets(home: string): Promise<HomeSecrets> {
  const known = readSecrets(home);
  const { credentialSigningKey, credentialTrustKey } = known;
  const keys =
    credentialSigningKey === undefined || credentialTrustKey === undefined
      ? await createCredentialKeys()
      : { signingKey: credentialSigningKey, trustKey: credentialTrustKey };
  const secrets = {
    roles: known.roles ?? random(),
    orderTokens: known.orderTokens ?? random(),
    credentialSigningKey: keys.signingKey,
    credentialTrustKey: keys.trustKey,
  };
  updateSecrets(home, secrets);
  return secrets;
}

/** What runs now. */
export interface Running {
  readonly pid: number;
  readonly url: string;
  readonly adminUrl: string;
  readonly natsUrl: string;
  /** Services' database URLs by name. */
  readonly databases: Readonly<Record<string, string>>;
  /** Services' gRPC addresses by name, for operators' commands. */
  readonly addresses: Readonly<Record<string, string>>;
}

interface Note extends Running {
  /** Its process may have been killed since, and another one may have its id. */
  readonly mark: string;
}

const noteOf = (home: string) => join(home, 'running.json');

export function noteRunning(home: string, running: Running): void {
  const note: Note = { ...running, mark: markOf(running.pid) };
  writeFileSync(noteOf(home), `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600 });
}

export function forgetRunning(home: string): void {
  rmSync(noteOf(home), { force: true });
}

/** What runs on this home, or undefined when nothing does. */
export function findRunning(home: string): Running | undefined {
  try {
    const { mark, ...running } = JSON.parse(readFileSync(noteOf(home), 'utf8')) as Note;
    return processState(running.pid).alive && markOf(running.pid) === mark ? running : undefined;
  } catch {
    return undefined;
  }
}
