// What surrounds a payload: in the outbox, on the wire and in a consumer's hands.
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';

/** Why something happens: for traces and for the audit's cause-before-effect check. */
export interface Cause {
  /** W3C trace context; empty when there is none. */
  readonly traceparent: string;
  /** Id of the event that caused it; undefined when a request or a timer did. */
  readonly causationId?: string | undefined;
  /** The canary that it is pinned to (rpc/canary.ts); empty or undefined when it is not. */
  readonly canary?: string | undefined;
}

export const NO_CAUSE: Cause = { traceparent: '' };

/** An event about to be written to the outbox. */
export interface OutboxRecord {
  readonly eventId: string;
  readonly topic: string;
  readonly type: string;
  readonly aggregateId: string;
  /** null on commands and replies. */
  readonly aggregateVersion: bigint | null;
  readonly payload: Uint8Array;
  readonly cause: Cause;
}

/** An event of a topic, numbered. */
export interface TopicRecord {
  readonly sequence: bigint;
  readonly eventId: string;
  readonly type: string;
  readonly aggregateId: string;
  /** 0 where the message has no version. */
  readonly aggregateVersion: bigint;
  readonly payload: Uint8Array;
  readonly occurredAt: Date;
  readonly traceparent: string;
  readonly causationId: string;
  /** The canary that it is pinned to; empty when it is not. */
  readonly canary: string;
}

/** A decoded message as a consumer's handler gets it. */
export interface Received<Desc extends DescMessage> {
  readonly message: MessageShape<Desc>;
  readonly eventId: string;
  readonly sequence: bigint;
  readonly aggregateId: string;
  readonly aggregateVersion: bigint;
  readonly occurredAt: Date;
  /** Pass it to `publish` as the cause of what follows from this message. */
  readonly cause: Cause;
}
