// What the services log in a world: kept as lines of the trace, errors remembered.
import type { Log, LogFields } from '@stoa/chassis/log';
import type { Kernel } from '../kernel/kernel.ts';

export interface WorldLog extends Log {
  /** Lines of level error. */
  readonly errors: string[];
}

export function createWorldLog(kernel: Kernel): WorldLog {
  const errors: string[] = [];
  const build = (bound: LogFields): Log => {
    const line =
      (level: string) =>
      (message: string, fields: LogFields = {}) => {
        const { service, error, ...rest } = { ...bound, ...fields };
        const told = Object.entries(rest).map(([key, value]) => `${key}=${String(value)}`);
        if (error !== undefined) told.push(`error=${(error as Error)?.message ?? String(error)}`);
        const text = [message, ...told].join(' ');
        kernel.note(service ?? 'chassis', `[${level}] ${text}`);
        if (level === 'error') errors.push(`${service ?? 'chassis'}: ${text}`);
      };
    return {
      debug: () => {},
      info: () => {},
      warn: line('warn'),
      error: line('error'),
      with: (fields) => build({ ...bound, ...fields }),
    };
  };
  return { ...build({}), errors };
}
