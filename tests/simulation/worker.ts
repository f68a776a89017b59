// A child process that runs worlds: one seed for each message, its verdict back. With SIM_BUG set the bug of that name
// is planted before the product is loaded.
import { BUGS } from './zoo/bugs.ts';
import { plant } from './zoo/plant.ts';

const { SIM_BUG: bugName = '' } = process.env;
const bug = BUGS.find(({ name }) => name === bugName);
if (bugName !== '') {
  if (bug === undefined) throw new Error(`there is no bug "${bugName}"`);
  plant(bug);
}

const { installVirtualGlobals, watchLeaks } = await import('./kernel/globals.ts');
const { openStore } = await import('./ports/store.ts');
const { schemas } = await import('./world/services.ts');
const { runWorld } = await import('./world/run.ts');
const { leaks } = await import('./kernel/globals.ts');

const store = await openStore(schemas());
installVirtualGlobals();
if (process.env.SIM_LEAKS === '1') watchLeaks();

process.on(
  'message',
  async ({ seed, mode, verbose }: { seed: number; mode: 'safety' | 'liveness'; verbose: boolean }) => {
    const began = process.cpuUsage();
    const listener = verbose ? (line: string) => void process.stdout.write(`${line}\n`) : undefined;
    try {
      const verdict = await runWorld(store, {
        seed,
        mode,
        more: bug?.world ?? {},
        ...(listener === undefined ? {} : { listener }),
      });
      const { user, system } = process.cpuUsage(began);
      process.send?.({ kind: 'verdict', verdict, cpuMs: (user + system) / 1000, leaks: [...leaks] });
    } catch (error) {
      process.send?.({ kind: 'crash', seed, error: (error as Error).stack });
    }
  },
);
process.send?.({ kind: 'ready' });
