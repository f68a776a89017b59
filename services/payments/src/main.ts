// The container's entry point.
import { runHost } from '@stoa/chassis/host/run-host';
import { payments } from './service.ts';

await runHost([payments]);
