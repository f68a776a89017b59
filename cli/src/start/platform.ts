// What services stand on: PostgreSQL, NATS, migrated databases, secrets. Embedded ones are started and stopped here;
// STOA_POSTGRES_URL and STOA_NATS_URL point at existing ones instead.
import { mkdirSync } from 'node:fs';
import { databaseVariable } from '@stoa/chassis/host/host-config';
import { lockHome } from '../infrastructure/home-lock.ts';
import { stopLeftoverHosts } from '../infrastructure/host-process.ts';
import { type KeptServer, keepRunning } from '../infrastructure/keep-running.ts';
import { startNats } from '../infrastructure/nats.ts';
import { startPostgres } from '../infrastructure/postgres.ts';
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
  mkdirSync(home, { recursive: true });
  const unlock = await lockHome(home);
  const servers: KeptServer[] = [];
  const stop = async () => {
    for (const server of servers.toReversed()) await server.stop();
    unlock();
  };
  try {
    await stopLeftoverHosts(home);
    await before?.();
    const secrets = await homeSecrets(home);
    const embedded = async (name: string, start: typeof startPostgres, url: string | undefined) => {
      if (url) return url;
      const server = await keepRunning(name, start, { home, onProgress });
      servers.push(server);
      return server.url;
    };
    const [adminUrl, natsUrl] = await Promise.all([
      embedded('PostgreSQL', startPostgres, env.STOA_POSTGRES_URL),
      embedded('NATS', startNats, env.STOA_NATS_URL),
    ]);
    const databases = await prepareDatabases({ adminUrl, secret: secrets.roles, onProgress });
    return {
      home,
      adminUrl,
      natsUrl,
      databases,
      secrets,
      hostEnv: hostEnvironment(natsUrl, databases, secrets),
      broken: Promise.race(servers.map(({ lost }) => lost)),
      stop,
    };
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
