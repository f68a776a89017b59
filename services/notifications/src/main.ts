// The container's entry point.
import { runHost } from '@stoa/chassis/host/run-host';
import { notifications } from './service.ts';

await runHost([notifications]);
