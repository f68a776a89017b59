// What services stand on: PostgreSQL, NATS, migrated databases, secrets. Embedded ones are started and stopped here;
// STOA_POSTGRES_URL and STOA_NATS_URL point at existing ones instead.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { databaseVariable } from '@stoa/chassis/host/host-config';
import { describeHome } from '../infrastructure/home.ts';
import { lockHome } from '../infrastructure/home-lock.ts';
import { stopLeftoverHosts } from '../infrastructure/host-process.ts';
import { type KeptServer, keepRunning } from '../infrastructure/keep-running.ts';
import { startNats } from '../infrastructure/nats.ts';
import { startPostgres } from '../infrastructure/postgres.ts';
import { readSecrets } from '../infrastructure/secrets.ts';
import { prepareDatabases } from './databases.ts';
import { type HomeSecrets, homeSecrets } from './home.ts';

export interface Platform {
  readonly home: string;
  readonly adminUrl: string;
  readonly natsUrl: string;
  readonly databases: Readonly<Record<string, string>>;
  readonly secrets: HomeSecrets;
  /** What every host gets besides its own ports. */
  readonly hostEnv: Readonly<Record<string, string>>;
  /** Resolves with a sentence when an embedded server ended and could not be brought back. */
  readonly broken: Promise<string>;
  /** Stops the embedded servers and gives the home free. */
  stop(): Promise<void>;
}

export interface PlatformOptions {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly onProgress: (line: string) => void;
  /** Done once the home is ours, before anything is started. */
  readonly before?: () => Promise<void>;
}

/** Starts or finds everything; on failure nothing is left running. */
export async function openPlatform({ home, env, onProgress, before }: PlatformOptions): Promise<Platform> {
  return holding(home, async (servers) => {
    await before?.();
    const secrets = await homeSecrets(home);
    const [adminUrl, natsUrl] = await Promise.all([
      env.STOA_POSTGRES_URL || servers.start('PostgreSQL', startPostgres, onProgress),
      env.STOA_NATS_URL || servers.start('NATS', startNats, onProgress),
    ]);
    const databases = await prepareDatabases({ adminUrl, secret: secrets.roles, onProgress });
    const hostEnv = hostEnvironment(natsUrl, databases, secrets);
    return { home, adminUrl, natsUrl, databases, secrets, hostEnv, broken: servers.broken() };
  });
}

/** Throws a sentence when no shop was ever started on this home: a command that looks at one must not make it. */
export function requireData(home: string, env: NodeJS.ProcessEnv): void {
  // On somebody else's server all that is ours is the secret of its roles.
  const hasData = env.STOA_POSTGRES_URL
    ? readSecrets(home).roles !== undefined
    : existsSync(join(describeHome(home).postgres, 'data'));
  if (!hasData)
    throw new Error(`there is no data in ${home}: start a shop, or set STOA_HOME to where one has its data`);
}

export type Data = Pick<Platform, 'databases' | 'stop'>;

/** The databases alone, brought up to date. Check `requireData` first. */
export async function openData(home: string, env: NodeJS.ProcessEnv): Promise<Data> {
  const onProgress = () => {};
  return holding(home, async (servers) => {
    const { roles } = await homeSecrets(home);
    const adminUrl = env.STOA_POSTGRES_URL || (await servers.start('PostgreSQL', startPostgres, onProgress));
    return { databases: await prepareDatabases({ adminUrl, secret: roles, onProgress }) };
  });
}

interface Servers {
  start(name: string, start: typeof startPostgres, onProgress: PlatformOptions['onProgress']): Promise<string>;
  broken(): Promise<string>;
}

/** Takes the home, and leaves it when stopped or when `open` fails, without the servers that were started. */
async function holding<T>(home: string, open: (servers: Servers) => Promise<T>): Promise<T & Pick<Platform, 'stop'>> {
  mkdirSync(home, { recursive: true });
  const unlock = await lockHome(home);
  const running: KeptServer[] = [];
  const stop = async () => {
    for (const server of running.toReversed()) await server.stop();
    unlock();
  };
  const servers: Servers = {
    async start(name, start, onProgress) {
      const server = await keepRunning(name, start, { home, onProgress });
      running.push(server);
      return server.url;
    },
    broken: () => Promise.race(running.map(({ lost }) => lost)),
  };
  try {
    await stopLeftoverHosts(home);
    return { ...(await open(servers)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function hostEnvironment(natsUrl: string, databases: Readonly<Record<string, string>>, secrets: HomeSecrets) {
  return {
    STOA_LISTEN_HOST: '127.0.0.1',
    STOA_NATS_URL: natsUrl,
    STOA_TRUST_KEY: secrets.credentialTrustKey,
    STOA_ORDER_TOKEN_SECRET: secrets.orderTokens,
    ...Object.fromEntries(Object.entries(databases).map(([name, url]) => [databaseVariable(name), url])),
  };
}
