// A second version of one service beside the running shop: its code, its migrations, its process, its rollout. Whatever
// goes wrong with it is said in a sentence, and the shop goes on.
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { createLog } from '@stoa/chassis/log';
import { openPgDatabase, type PgDatabase } from '@stoa/chassis/postgres/pg-database';
import { signServiceCredential } from '@stoa/chassis/rpc/credentials';
import { systemRuntime } from '@stoa/chassis/runtime';
import { type Checkout, openCheckout } from '../canary/checkout.ts';
import type { CanaryOption } from '../canary/option.ts';
import { migrateFor, startCanaryProcess } from '../canary/process.ts';
import { replaceFile, runRollout } from '../canary/rollout.ts';
import { freePorts } from '../infrastructure/ports.ts';
import { loadServices, serviceNames } from '../load-services.ts';
import { endCanary, shareWithCanary } from '../operate/canary-row.ts';
import { openLogSink } from './console.ts';
import type { Platform } from './platform.ts';
import type { RunningShop } from './running-shop.ts';

export interface CanaryPlan {
  readonly option: CanaryOption;
  readonly checkout: Checkout;
  /** What every process of the shop gets besides: how to tell versions apart, and where calls are split. */
  readonly shopEnv: Readonly<Record<string, string>>;
}

const STABLE = 'stable';
export const reportFileOf = (home: string) => join(home, 'canary.json');
const splitsFileOf = (home: string) => join(home, 'splits.json');

/** Finds the code before anything is started; throws what is wrong with it. */
export function planCanary(option: CanaryOption, home: string): CanaryPlan {
  const checkout = openCheckout(option.source, home);
  replaceFile(splitsFileOf(home), '{}');
  return { option, checkout, shopEnv: { STOA_VERSION: STABLE, STOA_SPLITS: splitsFileOf(home) } };
}

export interface RunningCanary {
  /** Ends the rollout and the canary. */
  stop(): Promise<void>;
}

/** Starts the canary; returns at once, the rest happens beside the shop. */
export function startCanary(
  plan: CanaryPlan,
  platform: Platform,
  shop: RunningShop,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): RunningCanary {
  const { service } = plan.option;
  const stopping = new AbortController();
  const databases = openAll(platform.databases);
  const done = runCanary({ plan, platform, shop, env, say, databases }, stopping.signal)
    .catch((error: Error) => say(`canary of ${service}: not rolled out, because ${error.message}`))
    .finally(() => Promise.all(Object.values(databases).map((database) => database.close())));
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

interface Parts {
  readonly plan: CanaryPlan;
  readonly platform: Platform;
  readonly shop: RunningShop;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  readonly databases: Readonly<Record<string, PgDatabase>>;
}

async function runCanary({ plan, platform, shop, env, say, databases }: Parts, signal: AbortSignal): Promise<void> {
  const { option, checkout, shopEnv } = plan;
  const { service, steps, stepSeconds } = option;
  const db = databases[service];
  if (db === undefined) throw new Error(`${service} has no database`);
  const version = `canary-${Date.now().toString(36)}`;
  await migrateFor(checkout, await ownersOf(service, platform));
  // Before its process starts: it must never take itself for the stable version.
  await shareWithCanary(db, version, 0);
  const [grpc, admin] = (await freePorts(2)) as [number, number];
  const canaryEnv = {
    ...env,
    ...platform.hostEnv,
    ...shopEnv,
    STOA_VERSION: version,
    STOA_INSTANCE: 'canary',
    STOA_PEERS: serviceNames()
      .map((name) => `${name}=${shop.addressOf(name)}`)
      .join(','),
    STOA_GRPC_PORT: String(grpc),
    STOA_ADMIN_PORT: String(admin),
    // Webhooks and the bank's page come to the stable version.
    STOA_PAYMENTS_WEBHOOK_PORT: '0',
    STOA_SERVICE_CREDENTIAL: await signServiceCredential(platform.secrets.credentialSigningKey, [service]),
  };
  const sink = openLogSink(platform.home, `${service}-canary`, process.stderr);
  const child = startCanaryProcess(checkout, { home: platform.home, service, env: canaryEnv }, sink);
  try {
    await child.ready;
    const stable = shop.adminPorts[service] as number;
    say(`canary of ${service}: ${option.source} runs as ${version} (metrics :${admin})`);
    await runRollout(
      {
        service,
        version,
        steps,
        stepSeconds,
        address: `127.0.0.1:${grpc}`,
        adminPorts: { stable, canary: admin },
        databases,
        urls: platform.databases,
        splitsFile: splitsFileOf(platform.home),
        reportFile: reportFileOf(platform.home),
        say,
        ended: child.ended,
        stopCanary: child.stop,
      },
      signal,
    );
  } catch (error) {
    replaceFile(splitsFileOf(platform.home), '{}');
    await endCanary(db, version, { state: 'rolled back', why: (error as Error).message }).catch(() => {});
    await child.stop();
    throw error;
  }
}

/** Owners' URLs of a service's databases: they alone may migrate. */
async function ownersOf(service: string, { databases, secrets }: Platform): Promise<Record<string, string>> {
  const [definition] = await loadServices([service]);
  const names = [service, ...Object.keys(definition?.databases ?? {})];
  return Object.fromEntries(
    names.map((name) => {
      const url = new URL(databases[name] as string);
      url.username = `${url.username}_owner`;
      url.password = createHmac('sha256', secrets.roles).update(url.username).digest('base64url');
      return [name, url.href];
    }),
  );
}

/** Databases that hold what is looked at: those with the chassis' tables. */
function openAll(urls: Readonly<Record<string, string>>): Record<string, PgDatabase> {
  const { clock, random } = systemRuntime();
  const log = createLog('silent');
  const names = serviceNames().filter((name) => urls[name] !== undefined);
  return Object.fromEntries(
    names.map((name) => [
      name,
      openPgDatabase({ url: urls[name] as string, poolMax: 1, applicationName: 'stoa-rollout', log, clock, random }),
    ]),
  );
}
