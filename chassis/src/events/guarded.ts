// Callbacks of the broker's client. What one of them throws ends the client's reading of the connection: the whole process
// would be cut off until its pings time out, and again when the same message comes again.
import type { Log } from '../log.ts';

/** The same callback, whose exceptions are logged and go no further. */
export function guarded<Args extends unknown[]>(callback: (...args: Args) => void, log: Log): (...args: Args) => void {
  return (...args) => {
    try {
      callback(...args);
    } catch (error) {
      log.error('a message could not be taken from the broker', { error });
    }
  };
}
