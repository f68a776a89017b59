// Splits the calls to a service between its stable version and its canary, as a route of the mesh does in a cluster: by
// weight, call by call, and by the pin, which wins. For machines without a mesh.
import type { Transport } from '@connectrpc/connect';
import type { Random } from '../runtime.ts';
import { isPinned } from './canary.ts';
import { CANARY, type HeadersInit, readHeader } from './headers.ts';

/** Where a service's canary is, and how many in a hundred calls go there. */
export interface Split {
  readonly address: string;
  readonly percent: number;
}

/** The split of a service as it is now; undefined while it has no canary. */
export type Splits = (service: string) => Split | undefined;

/** Whether a call goes to the canary. 0 sends it what is pinned only. */
export function goesToCanary(service: string, percent: number, pin: string | undefined, random: Random): boolean {
  return isPinned(pin, service) || (percent > 0 && random.below(100) < percent);
}

export interface SplitOptions {
  readonly service: string;
  readonly stable: Transport;
  /** The canary's transport, by its address. */
  readonly canaryAt: (address: string) => Transport;
  readonly splits: Splits;
  readonly random: Random;
}

export function createSplitTransport({ service, stable, canaryAt, splits, random }: SplitOptions): Transport {
  const choose = (headers: HeadersInit | undefined): Transport => {
    const split = splits(service);
    if (split === undefined) return stable;
    const isCanary = goesToCanary(service, split.percent, readHeader(headers, CANARY), random);
    return isCanary ? canaryAt(split.address) : stable;
  };
  return {
    unary: (method, signal, timeoutMs, headers, input, values) =>
      choose(headers).unary(method, signal, timeoutMs, headers, input, values),
    stream: (method, signal, timeoutMs, headers, input, values) =>
      choose(headers).stream(method, signal, timeoutMs, headers, input, values),
  };
}
