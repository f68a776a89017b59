// The container's entry point: inventory alone in a process.
import { runHost } from '@stoa/chassis/host/run-host';
import { inventory } from './service.ts';

await runHost([inventory]);
