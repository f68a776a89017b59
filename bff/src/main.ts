// The container's entry point.
import { runHost } from '@stoa/chassis/host/run-host';
import { bff } from './service.ts';

await runHost([bff]);
