// Errors that clients can act on: a status code, a stable reason, and for unreadable input the fields at fault.
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { BadRequestSchema, ErrorInfoSchema } from '@stoa/proto/google/rpc/error_details_pb';

export interface Violation {
  /** Path of the field in the request, for example "lines[2].quantity". */
  readonly field: string;
  readonly description: string;
}

/** The request cannot be read: every violation at once. Reason INVALID_ARGUMENT. */
export function invalidArgument(violations: readonly Violation[]): ConnectError {
  const message = violations.map((v) => `${v.field}: ${v.description}`).join('; ');
  const info = create(ErrorInfoSchema, { reason: 'INVALID_ARGUMENT', domain: 'stoa' });
  const fields = create(BadRequestSchema, { fieldViolations: violations.map((v) => ({ ...v })) });
  return new ConnectError(message, Code.InvalidArgument, undefined, [
    { desc: ErrorInfoSchema, value: info },
    { desc: BadRequestSchema, value: fields },
  ]);
}

/** A refusal with a stable UPPER_SNAKE_CASE reason, documented in the service's README. */
export function refuse(
  code: Code,
  reason: string,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
): ConnectError {
  const info = create(ErrorInfoSchema, { reason, domain: 'stoa', metadata: { ...metadata } });
  return new ConnectError(message, code, undefined, [{ desc: ErrorInfoSchema, value: info }]);
}

/** NOT_FOUND, also for what belongs to somebody else. */
export function notFound(reason: string, message: string): ConnectError {
  return refuse(Code.NotFound, reason, message);
}

/** The request is fine but the state of things forbids it. */
export function failedPrecondition(
  reason: string,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
): ConnectError {
  return refuse(Code.FailedPrecondition, reason, message, metadata);
}

/** The stable reason of an error, or undefined when it carries none. */
export function reasonOf(error: unknown): string | undefined {
  return error instanceof ConnectError ? error.findDetails(ErrorInfoSchema)[0]?.reason : undefined;
}

/** The fields at fault, empty when it is about none. */
export function violationsOf(error: unknown): readonly Violation[] {
  if (!(error instanceof ConnectError)) return [];
  return error.findDetails(BadRequestSchema).flatMap((details) => details.fieldViolations);
}
