// JSON logs, one object a line. Only the fields listed here may appear: personal data has no name to travel under.
import pino from 'pino';

/** The fields a log line may carry besides its message. Add one only if it can never hold personal data. */
export interface LogFields {
  readonly service?: string;
  readonly traceId?: string;
  readonly method?: string;
  readonly code?: string;
  readonly reason?: string;
  readonly durationMs?: number;
  readonly topic?: string;
  readonly consumer?: string;
  readonly job?: string;
  readonly saga?: string;
  readonly state?: string;
  readonly sequence?: number | bigint;
  readonly count?: number;
  readonly attempt?: number;
  readonly id?: string;
  readonly address?: string;
  /** Logged as type, message, code and stack, and its causes likewise. Nothing else of it is. */
  readonly error?: unknown;
}

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with fields that every line of it carries. */
  with(fields: LogFields): Log;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** A chain of causes is cut here: it may be a circle. */
const CAUSES_MAX = 8;

interface WrittenError {
  readonly type: string;
  readonly message?: string;
  readonly code?: string | number;
  readonly stack?: string;
  readonly cause?: WrittenError;
}

/**
 * Picks fields instead of copying them: PostgreSQL puts whole rows into `detail` and `where`, HTTP clients put requests
 * and answers on their errors, and personal data is in all of them.
 */
function writtenError(error: unknown, depth = 0): WrittenError {
  if (typeof error === 'string') return { type: 'string', message: error };
  if (!(error instanceof Error)) return { type: typeof error };
  const { message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    type: error.constructor.name || error.name,
    message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(stack === undefined ? {} : { stack }),
    ...(cause === undefined || depth === CAUSES_MAX ? {} : { cause: writtenError(cause, depth + 1) }),
  };
}

function written(fields: LogFields | undefined): Record<string, unknown> {
  if (fields === undefined) return {};
  const { error, sequence, ...rest } = fields;
  return {
    ...rest,
    ...(sequence === undefined ? {} : { sequence: Number(sequence) }),
    ...(error === undefined ? {} : { err: writtenError(error) }),
  };
}

function wrap(target: pino.Logger): Log {
  return {
    debug: (message, fields) => target.debug(written(fields), message),
    info: (message, fields) => target.info(written(fields), message),
    warn: (message, fields) => target.warn(written(fields), message),
    error: (message, fields) => target.error(written(fields), message),
    with: (fields) => wrap(target.child(written(fields))),
  };
}

/** A log that writes to standard output, or to the given stream. */
export function createLog(level: LogLevel, stream?: { write(line: string): void }): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // Pino's own copies every field of whatever looks like an error.
    serializers: { err: (error: unknown) => error },
  };
  return wrap(stream === undefined ? pino(options) : pino(options, stream));
}
