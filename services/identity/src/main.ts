// The container's entry point.
import { runHost } from '@stoa/chassis/host/run-host';
import { identity } from './service.ts';

await runHost([identity]);
