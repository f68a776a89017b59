// What orders' handlers, consumers and jobs may reach.
import type { ConfigOf } from '@stoa/chassis/config';
import type { ServiceContext } from '@stoa/chassis/service';
import type { Outcomes } from './api/outcomes.ts';
import type { config } from './config/config.ts';

export interface OrdersDeps {
  /** Requests of this process that wait for an order's outcome. */
  readonly outcomes: Outcomes;
}

export type OrdersContext = ServiceContext<ConfigOf<typeof config>, OrdersDeps>;
