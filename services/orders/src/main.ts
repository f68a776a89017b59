// The container's entry point: orders alone in a process.
import { runHost } from '@stoa/chassis/host/run-host';
import { orders } from './service.ts';

await runHost([orders]);
