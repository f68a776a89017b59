// The container's entry point: shipping alone in a process.
import { runHost } from '@stoa/chassis/host/run-host';
import { shipping } from './service.ts';

await runHost([shipping]);
