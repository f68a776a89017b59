// Deletes what the embedded servers have stored for a home, wherever it lies, and nothing else: secrets, logs and
// downloaded tools stay. The caller holds the home's lock, so that nobody is starting the servers meanwhile.

import { rmSync } from 'node:fs';
import { describeHome } from './home.ts';
import { stopLeftoverHosts } from './host-process.ts';
import { stopLeftoverNats } from './nats.ts';
import { removePostgres } from './postgres-leftovers.ts';
import { linkedFolder, outsideFolder } from './postgres-place.ts';

export async function clearData(home: string): Promise<void> {
  const places = describeHome(home);
  await stopLeftoverHosts(places.path);
  await stopLeftoverNats(places);
  rmSync(places.nats, { recursive: true, force: true });
  const linked = linkedFolder(places);
  if (linked !== undefined) await removePostgres(linked);
  // Also when the home, and with it the link, is gone already.
  await removePostgres(outsideFolder(places));
  if (linked === undefined) await removePostgres(places.postgres);
  else rmSync(places.postgres, { force: true });
}
