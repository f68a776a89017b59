// What the story of one order consists of.
import type { Json } from '@stoa/chassis/saga/define';
import type { ActionRow } from '../actions.ts';
import type { ParkedSummary } from '../parked/parked-messages.ts';
import type { Awaited } from './awaited.ts';
import type { ConsumerPlace, OrderMessage } from './order-messages.ts';
import type { Participants } from './participants.ts';
import type { Request } from './requests.ts';

export interface OrderHead {
  readonly id: string;
  readonly number: string;
  readonly status: string;
  readonly currency: string;
  readonly totalMinor: bigint;
  readonly placedAt: Date;
  readonly updatedAt: Date;
}

export interface SagaHead {
  readonly name: string;
  readonly definitionVersion: number;
  readonly state: string;
  readonly version: number;
  readonly reason: string;
  readonly attempts: number;
  readonly inStateSeconds: number;
  readonly enteredAt: Date;
  readonly wakeAt: Date | null;
  readonly data: Json;
}

export interface StoryTransition {
  readonly version: number;
  readonly from: string;
  readonly to: string;
  readonly at: Date;
  readonly triggerId: string;
  /** What caused it, in words. */
  readonly trigger: string;
}

export interface Task {
  readonly id: string;
  readonly kind: string;
  readonly openedAt: Date;
  readonly claimedBy: string | null;
  readonly decision: string | null;
  readonly decidedAt: Date | null;
  readonly decidedBy: string | null;
  readonly why: string | null;
}

export interface OrderStory extends Participants {
  readonly order: OrderHead;
  readonly saga: SagaHead | undefined;
  readonly awaited: Awaited | undefined;
  readonly transitions: readonly StoryTransition[];
  readonly messages: readonly OrderMessage[];
  readonly consumers: readonly ConsumerPlace[];
  readonly parked: readonly ParkedSummary[];
  readonly tasks: readonly Task[];
  readonly requests: readonly Request[];
  readonly actions: readonly ActionRow[];
}

export interface ExplainedStory extends OrderStory {
  readonly why: readonly string[];
}
