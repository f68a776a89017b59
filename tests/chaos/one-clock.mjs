// Preloaded into the supervisor (NODE_OPTIONS): the process of one service gets libfaketime, which reads its clock's offset
// from a file; all others keep the true clock. Monotonic time stays true in all of them.
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';

const { CHAOS_CLOCK_LIBRARY, CHAOS_CLOCK_FILE, CHAOS_CLOCK_SERVICE } = process.env;
const { fork } = childProcess;
childProcess.fork = (path, args, options) => {
  if (args?.[0] !== 'host' || args[1] !== CHAOS_CLOCK_SERVICE) return fork(path, args, options);
  const env = {
    ...options.env,
    LD_PRELOAD: CHAOS_CLOCK_LIBRARY,
    FAKETIME_TIMESTAMP_FILE: CHAOS_CLOCK_FILE,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  return fork(path, args, { ...options, env });
};
syncBuiltinESMExports();
