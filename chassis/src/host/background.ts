// A service's loops: its publisher, its consumers, its jobs and the retention of its outbox.
import { EventLogService } from '@stoa/proto/stoa/chassis/v1/event_log_pb';
import type { Bus } from '../events/bus.ts';
import type { ConsumerDefinition } from '../events/consumer.ts';
import { remoteProducer } from '../events/event-log.ts';
import { createInboxWorker, type InboxWorker } from '../events/inbox-worker.ts';
import { ALWAYS_STABLE, type CurrentLane, followLane, type Lane } from '../events/lane.ts';
import { createPublisher } from '../events/publisher.ts';
import { deleteExpired } from '../events/retention.ts';
import type { Topic } from '../events/topic.ts';
import type { Failpoints } from '../failpoint.ts';
import type { Metrics } from '../metrics.ts';
import type { JobDefinition } from '../service.ts';
import { backlogJobs } from './backlog.ts';
import type { AnyContext, BuiltService } from './build-service.ts';
import type { Connections } from './connections.ts';
import { type createBells, type Loops, runJob } from './loops.ts';

export interface BackgroundOptions {
  readonly bus: Bus | undefined;
  readonly connections: Connections;
  readonly loops: Loops;
  readonly bells: ReturnType<typeof createBells>;
  readonly metrics: Metrics;
  readonly failpoints: Failpoints;
  readonly instance: string;
  /** STOA_VERSION, by which a canary knows itself; undefined where there can be none. */
  readonly version?: string;
}

/** The job under which a service's publisher is woken after a commit. */
export const PUBLISHER_BELL = 'chassis:publisher';
const RETENTION_EVERY_MS = 60_000;

/** Starts them; returns the consumers, whose state decides on readiness. */
export function startBackground(built: BuiltService, options: BackgroundOptions): InboxWorker[] {
  const { definition, context } = built;
  const topics: readonly Topic[] = definition.publishes ?? [];
  const lane = startLane(built, options);
  if (topics.length > 0) startPublisher(built, topics, options, lane);
  const consumers = (definition.consumers ?? []) as readonly ConsumerDefinition<AnyContext>[];
  const workers = consumers.map((consumer) => startConsumer(built, consumer, options, lane));
  const jobs = (definition.jobs ?? []) as readonly JobDefinition<AnyContext>[];
  const ofStable = [...jobs, ...retention(built, topics)].map((job) => whileStable(job, lane.current));
  // What waits is measured in every lane: it only reads, and where no process is stable nobody else would tell.
  for (const job of [...ofStable, ...backlogJobs(definition)]) {
    const bell = options.bells(definition.name, job.name);
    const { log } = context;
    options.loops.start(`${definition.name}.${job.name}`, async (signal) => {
      await lane.known(signal);
      await runJob(job, context, { bell, log, metrics: options.metrics }, signal);
    });
  }
  return workers;
}

interface FollowedLane {
  readonly current: CurrentLane;
  /** Resolves once it is known, or when the signal aborts. */
  known(signal: AbortSignal): Promise<void>;
}

/** A service without a database has no canary of its own: it is split in front of it. */
function startLane({ definition, context }: BuiltService, { version, loops }: BackgroundOptions): FollowedLane {
  const always = { current: ALWAYS_STABLE, known: async () => {} };
  if (definition.migrations === undefined) return always;
  const { db, clock, log, metrics } = context;
  const onLane = (lane: Lane) => tellLane(metrics, definition.name, lane);
  if (version === undefined) {
    onLane('stable');
    return always;
  }
  const lane = followLane({ db, version, clock, log, onLane });
  loops.start(`${definition.name}.lane`, lane.run);
  return lane;
}

/** 1 at the lane that this process is in and 0 at the others, so that a change leaves no old value behind. */
function tellLane(metrics: Metrics, service: string, current: Lane): void {
  for (const lane of ['stable', 'canary', 'silent']) {
    const value = lane === current ? 1 : 0;
    metrics.gauge('service_lane', 'Whose part of the background work this process does', value, { service, lane });
  }
}

/** A job of the stable version only: what a canary did in one would not be bounded by its share. */
function whileStable(job: JobDefinition<AnyContext>, lane: CurrentLane): JobDefinition<AnyContext> {
  return {
    name: job.name,
    everyMs: job.everyMs,
    run: async (context, signal) => lane() === 'stable' && (await job.run(context, signal)),
  };
}

function startPublisher(
  { definition, context }: BuiltService,
  topics: readonly Topic[],
  options: BackgroundOptions,
  lane: FollowedLane,
) {
  const { clock, log, db, metrics } = context;
  const { failpoints, instance, loops, bells } = options;
  const publisher = createPublisher({
    db,
    bus: needed(options.bus),
    topics: topics.map(({ name }) => name),
    bell: bells(definition.name, PUBLISHER_BELL),
    instance,
    clock,
    log,
    metrics,
    failpoints,
    lane: lane.current,
  });
  loops.start(`${definition.name}.publisher`, async (signal) => {
    await lane.known(signal);
    await publisher.run(signal);
  });
}

function startConsumer(
  { definition, context }: BuiltService,
  consumer: ConsumerDefinition<AnyContext>,
  options: BackgroundOptions,
  lane: FollowedLane,
): InboxWorker {
  const { clock, log, db, metrics } = context;
  const { failpoints, instance, version, loops, connections } = options;
  const client = connections.client(definition.name, EventLogService, { of: consumer.topic.owner });
  const worker = createInboxWorker({
    definition: consumer,
    context,
    db,
    bus: needed(options.bus),
    producer: remoteProducer(client),
    instance,
    ...(version === undefined ? {} : { version }),
    clock,
    log,
    metrics,
    failpoints,
    lane: lane.current,
  });
  loops.start(consumer.name, async (signal) => {
    await lane.known(signal);
    await worker.run(signal);
  });
  return worker;
}

function retention({ definition, context }: BuiltService, topics: readonly Topic[]): JobDefinition<AnyContext>[] {
  const kept = new Set((definition.eventStores ?? []).map(({ name }: Topic) => name));
  const deletable = topics.filter(({ name }) => !kept.has(name));
  if (deletable.length === 0) return [];
  return [
    {
      name: 'chassis:retention',
      everyMs: RETENTION_EVERY_MS,
      async run() {
        let hasMore = false;
        for (const { name } of deletable) hasMore = (await deleteExpired(context.db, name)) || hasMore;
        return hasMore;
      },
    },
  ];
}

function needed(bus: Bus | undefined): Bus {
  if (bus === undefined) throw new Error('a service with topics or consumers needs the broker');
  return bus;
}
