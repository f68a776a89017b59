// The outer gate before any hashing: token buckets in this process' memory, one for each peer and one for all. It keeps a
// flood from reaching the database and the hash queue, and slows a peer that tries one password on many accounts.
// Guessing at one account is slowed by login-throttle.ts, which all replicas share; how fast a peer that succeeds may
// call is in the contract.
import { Code, type ConnectError } from '@connectrpc/connect';
import { refuse } from '@stoa/chassis/rpc/errors';
import type { Clock } from '@stoa/chassis/runtime';
import { type Bucket, type BucketPolicy, fullBucket, returnToken, takeToken } from '../domain/token-bucket.ts';

/** Attempts of one peer that fail; those that succeed are given back. Room for an office behind one address. */
const PEER_BUCKET: BucketPolicy = { capacity: 20, perSecond: 1 };

/** Peers remembered at once; the one not seen for longest is forgotten, and starts with a full bucket. */
const PEERS_MAX = 10_000;

/** Seconds' worth of the global rate that may come at once. */
const GLOBAL_BURST_SECONDS = 4;

export interface AttemptGate {
  /** Throws RESOURCE_EXHAUSTED(TOO_MANY_ATTEMPTS) when the peer or everybody together is too fast. */
  enter(peer: string | undefined): void;
  /** The attempt succeeded: the peer gets back what entering took. */
  succeed(peer: string | undefined): void;
}

export function tooManyAttempts(waitMs: number): ConnectError {
  return refuse(Code.ResourceExhausted, 'TOO_MANY_ATTEMPTS', 'too many attempts; try again later', {
    retry_after_ms: String(Math.max(1, Math.ceil(waitMs))),
  });
}

export function createAttemptGate(clock: Clock, perSecond: number): AttemptGate {
  const everybody: BucketPolicy = { capacity: GLOBAL_BURST_SECONDS * perSecond, perSecond };
  let global = fullBucket(everybody, clock.monotonicMs());
  const peers = new Map<string, Bucket>();

  const enterPeer = (peer: string, nowMs: number) => {
    const { bucket, taken, waitMs } = takeToken(PEER_BUCKET, peers.get(peer) ?? fullBucket(PEER_BUCKET, nowMs), nowMs);
    // Set anew, so that the map's order is by last use.
    peers.delete(peer);
    peers.set(peer, bucket);
    if (peers.size > PEERS_MAX) peers.delete(peers.keys().next().value as string);
    if (!taken) throw tooManyAttempts(waitMs);
  };

  return {
    enter: (peer) => {
      const nowMs = clock.monotonicMs();
      // The peer first: one that is refused must not use up what the others share.
      if (peer !== undefined) enterPeer(peer, nowMs);
      const { bucket, taken, waitMs } = takeToken(everybody, global, nowMs);
      global = bucket;
      if (!taken) throw tooManyAttempts(waitMs);
    },
    succeed: (peer) => {
      const bucket = peer === undefined ? undefined : peers.get(peer);
      if (bucket !== undefined) peers.set(peer as string, returnToken(PEER_BUCKET, bucket));
    },
  };
}
