// Every service in this process: the modular monolith.
import { startHost } from '@stoa/chassis/host/host';
import { createLog } from '@stoa/chassis/log';
import { signServiceCredential } from '@stoa/chassis/rpc/credentials';
import { serviceNames } from '../load-services.ts';
import { SERVICES } from '../services.ts';
import { openLogSink } from './console.ts';
import type { Platform } from './platform.ts';
import type { RunningShop } from './running-shop.ts';

/** Starts them; the BFF listens on `port`. */
export async function startOneProcess(platform: Platform, env: NodeJS.ProcessEnv, port: number): Promise<RunningShop> {
  const sink = openLogSink(platform.home, 'stoa', process.stderr);
  const host = await startHost({
    services: SERVICES,
    env: {
      ...env,
      ...platform.hostEnv,
      PORT: String(port),
      STOA_GRPC_PORT: '0',
      STOA_ADMIN_PORT: '0',
      STOA_SERVICE_CREDENTIAL: await signServiceCredential(platform.secrets.credentialSigningKey, serviceNames()),
    },
    log: createLog('info', sink),
  });
  return {
    port: host.httpPorts.bff ?? port,
    addressOf: () => `127.0.0.1:${host.grpcPort}`,
    adminPorts: { stoa: host.adminPort },
    async stop() {
      await host.stop();
      await sink.close();
    },
  };
}
