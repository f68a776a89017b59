// What a consumer's worker is given.
import type { Failpoints } from '../failpoint.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Database } from '../postgres/database.ts';
import type { Clock } from '../runtime.ts';
import type { Bus } from './bus.ts';
import type { ConsumerDefinition } from './consumer.ts';
import type { CurrentLane } from './lane.ts';
import type { Producer } from './producer.ts';

export interface InboxWorkerOptions<Context> {
  readonly definition: ConsumerDefinition<Context>;
  readonly context: Context;
  readonly db: Database;
  readonly bus: Bus;
  readonly producer: Producer;
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly failpoints: Failpoints;
  /** STOA_VERSION of this process. @default none */
  readonly version?: string;
  /** What that version is now. @default always stable */
  readonly lane?: CurrentLane;
}
