// `stoa start`: set up, serve, and say where things are, until Ctrl-C.

import type { CanaryOption } from '../canary/option.ts';
import { serviceNames } from '../load-services.ts';
import { type CanaryPlan, planCanary, type RunningCanary, startCanary } from './canary.ts';
import { forgetRunning, homeFolder, noteRunning } from './home.ts';
import { startOneProcess } from './one-process.ts';
import { openPlatform, type Platform } from './platform.ts';
import { paymentsAddress, readPort, requireFree } from './port.ts';
import type { RunningShop } from './running-shop.ts';
import { seedShop } from './seeding.ts';
import { startSplit } from './split.ts';

export interface StartOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly split: boolean;
  readonly seed: boolean;
  /** A second version of one service; needs `split`. */
  readonly canary?: CanaryOption | undefined;
}

/** Runs until a signal ends it or an embedded server does; returns the exit status. */
export async function start({ env, split, seed, canary }: StartOptions): Promise<number> {
  const started = performance.now();
  const say = (line: string) => process.stdout.write(`  ${line}\n`);
  const ended = endOfRun();
  const home = homeFolder(env);
  const port = readPort(env);
  process.stdout.write(`Stoa is starting (data in ${home})\n`);
  let plan: CanaryPlan | undefined;
  const before = async () => {
    await requireFree(port);
    if (canary !== undefined) plan = planCanary(canary, home);
  };
  const platform = await openPlatform({ home, env, onProgress: say, before });
  let shop: RunningShop | undefined;
  let rollout: RunningCanary | undefined;
  try {
    const payments = await paymentsAddress(env, port);
    const hostEnv = { ...env, ...payments, ...plan?.shopEnv };
    shop = split
      ? await startSplit(platform, hostEnv, port, (name, why) => say(`${name} ended (${why}); starting it again`))
      : await startOneProcess(platform, hostEnv, port);
    if (seed) {
      await seedShop({
        addressOf: shop.addressOf,
        signingKey: platform.secrets.credentialSigningKey,
        onProgress: (line) => say(`seeded: ${line}`),
      });
    }
    const url = `http://localhost:${shop.port}`;
    const { addressOf } = shop;
    const addresses = Object.fromEntries(serviceNames().map((name) => [name, addressOf(name)]));
    const { adminUrl, natsUrl, databases } = platform;
    noteRunning(home, { pid: process.pid, url, adminUrl, natsUrl, databases, addresses });
    tellWhere(url, payments.STOA_PAYMENTS_SANDBOX_PUBLIC_URL, shop, platform, performance.now() - started);
    if (plan !== undefined) rollout = startCanary(plan, platform, shop, hostEnv, say);
    const why = await Promise.race([ended.signal, platform.broken]);
    process.stdout.write(`\nStoa is stopping (${why})\n`);
    return ended.happened() ? 0 : 1;
  } finally {
    forgetRunning(home);
    await rollout?.stop();
    await shop?.stop();
    await platform.stop();
  }
}

function tellWhere(url: string, bank: string, shop: RunningShop, { natsUrl, home }: Platform, ms: number): void {
  const admin = Object.entries(shop.adminPorts).map(([name, port]) => `${name} :${port}`);
  process.stdout.write(`Stoa is ready after ${(ms / 1000).toFixed(1)} s

  GraphQL     ${url}/graphql
  payments    ${bank}   (webhooks; the sandbox's page for tok_3ds)
  health      ${url}/health/ready
  metrics     ${admin.join('  ')}   (/metrics, /health/ready, /info)
  broker      ${natsUrl}
  logs        ${home}/logs

  npx stoa demo --orders 500     drive checkouts
  npx stoa audit                 check that stock, money and orders agree
  Ctrl-C                         stop; the data is kept

`);
}

/** The first SIGINT or SIGTERM; a second one ends the process at once. */
function endOfRun() {
  let happened = false;
  const signal = new Promise<string>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.on(name, () => {
        if (happened) process.exit(1);
        happened = true;
        resolve(name);
      });
    }
  });
  return { signal, happened: () => happened };
}
