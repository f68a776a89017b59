// The container's entry point.
import { runHost } from '@stoa/chassis/host/run-host';
import { catalog } from './service.ts';

await runHost([catalog]);
