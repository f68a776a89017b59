// Preloaded into the supervisor (NODE_OPTIONS): the process of one service is sent to a proxy instead of the broker, and the
// proxy is told where the broker is.
import childProcess from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { CHAOS_LINK_SERVICE, CHAOS_LINK_PORT, CHAOS_LINK_FILE } = process.env;
const { fork } = childProcess;
childProcess.fork = (path, args, options) => {
  if (args?.[0] !== 'host' || args[1] !== CHAOS_LINK_SERVICE) return fork(path, args, options);
  const url = new URL(options.env.STOA_NATS_URL);
  writeFileSync(CHAOS_LINK_FILE, url.port);
  url.port = CHAOS_LINK_PORT;
  return fork(path, args, { ...options, env: { ...options.env, STOA_NATS_URL: url.href } });
};
syncBuiltinESMExports();
