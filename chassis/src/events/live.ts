// Live events: what passes on a topic right now, for live views. Nothing is stored, acknowledged or replayed; a view
// that must be right reads the truth when it begins and again whenever it may have missed something.
import type { DescMessage } from '@bufbuild/protobuf';
import type { Received } from './envelope.ts';
import type { Topic } from './topic.ts';

export interface LiveEvents {
  /** Calls `listener` for each event of the topic whose type is known; returns the function that ends it. */
  subscribe(topic: Topic, listener: (event: Received<DescMessage>) => void): () => void;
}
