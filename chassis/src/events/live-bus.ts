// Live events from the bus: decoded as they pass, shared by all listeners of a topic.
import type { DescMessage } from '@bufbuild/protobuf';
import { decodeRecord } from './apply.ts';
import type { Bus } from './bus.ts';
import type { Received, TopicRecord } from './envelope.ts';
import type { LiveEvents } from './live.ts';
import type { Topic } from './topic.ts';

type Listener = (event: Received<DescMessage>) => void;

/** One subscription at the broker for each topic, however many listen. */
export function liveEvents(bus: Bus): LiveEvents {
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
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        watched.get(topic.name)?.stop();
        watched.delete(topic.name);
      };
    },
  };
}
