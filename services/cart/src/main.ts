// The container's entry point.
import { runHost } from '@stoa/chassis/host/run-host';
import { cart } from './service.ts';

await runHost([cart]);
