// Live events from the bus: decoded as they pass, shared by all listeners of a topic.
import type { DescMessage } from '@bufbuild/protobuf';
import type { Log } from '../log.ts';
import { decodeRecord } from './apply.ts';
import type { Bus } from './bus.ts';
import type { Received, TopicRecord } from './envelope.ts';
import { guarded } from './guarded.ts';
import type { LiveEvents } from './live.ts';
import type { Topic } from './topic.ts';

type Listener = (event: Received<DescMessage>) => void;

/** One subscription at the broker for each topic, however many listen. */
export function liveEvents(bus: Bus, log: Log): LiveEvents {
  const watched = new Map<string, { listeners: Set<Listener>; stop: () => void }>();

  function watch(topic: Topic): Set<Listener> {
    const listeners = new Set<Listener>();
    const definition = { name: 'live', topic, on: [] };
    const stop = bus.watch(topic.name, (record: TopicRecord) => {
      if (!topic.types.has(record.type)) return;
      const event: Received<DescMessage> = decodeRecord(definition, record);
      for (const listener of listeners) listener(event);
    });
    watched.set(topic.name, { listeners, stop });
    return listeners;
  }

  return {
    subscribe(topic, listener) {
      const listeners = watched.get(topic.name)?.listeners ?? watch(topic);
      // One that fails must not keep the event from the others.
      const own = guarded(listener, log);
      listeners.add(own);
      return () => {
        listeners.delete(own);
        if (listeners.size > 0) return;
        watched.get(topic.name)?.stop();
        watched.delete(topic.name);
      };
    },
  };
}
