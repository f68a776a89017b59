// `stoa reset`: deletes the home's data. Refused while a shop runs on it.
import { existsSync } from 'node:fs';
import { clearData } from '../infrastructure/clear-data.ts';
import { lockHome } from '../infrastructure/home-lock.ts';
import { homeFolder } from '../start/home.ts';

export async function reset(): Promise<number> {
  const home = homeFolder(process.env);
  if (!existsSync(home)) {
    process.stdout.write(`There is no data in ${home}.\n`);
    return 0;
  }
  const unlock = await lockHome(home);
  try {
    await clearData(home);
  } finally {
    unlock();
  }
  process.stdout.write(`The data in ${home} is deleted.\n`);
  return 0;
}
