// What shipping's handlers, consumers and jobs may reach.
import type { ConfigOf } from '@stoa/chassis/config';
import type { ServiceContext } from '@stoa/chassis/service';
import type { config } from './config/config.ts';
import type { MethodList } from './infrastructure/method-list.ts';

export interface ShippingDeps {
  /** The methods as they were at most 30 s ago. */
  readonly methods: MethodList;
}

export type ShippingContext = ServiceContext<ConfigOf<typeof config>, ShippingDeps>;
