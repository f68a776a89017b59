// How attempts to sign in are slowed down. Each attempt is charged before it is verified and refunded by success, so
// attempts in parallel cannot slip past. There is no lock-out: the delay is bounded, a refused attempt does not extend
// it, and a peer that has signed in to the account before is not held up by what other peers guess.

export interface ThrottlePolicy {
  /** Attempts without delay. */
  readonly free: number;
  /** The delay after the first attempt beyond; it doubles with each further one. */
  readonly firstDelaySeconds: number;
  readonly delaySecondsMax: number;
}

/** One peer's attempts at one account: 8 free, then 1, 2, 4 … 60 s apart, some 1,400 guesses a day. */
export const PEER_POLICY: ThrottlePolicy = { free: 8, firstDelaySeconds: 1, delaySecondsMax: 60 };

/**
 * Attempts of all unknown peers together at one account, against guessing from many addresses. The bound is low,
 * because a customer on a new device has to get through between the guesses.
 */
export const ACCOUNT_POLICY: ThrottlePolicy = { free: 20, firstDelaySeconds: 0.5, delaySecondsMax: 5 };

/**
 * One peer's registrations that told it of an address that it has an account: 5 free, then 10, 20, 40 … 600 s apart. Who
 * registers in earnest learns it once or twice.
 */
export const REGISTER_POLICY: ThrottlePolicy = { free: 5, firstDelaySeconds: 10, delaySecondsMax: 600 };

/** After this long without attempts the count starts anew. */
export const FORGET_AFTER_SECONDS = 15 * 60;

/** How long a peer that has signed in stays known to the account. */
export const KNOWN_PEER_DAYS = 30;

/** Delay that follows the n-th attempt in a row, for n from 1; the last one also holds for every further attempt. */
export function delaySchedule(policy: ThrottlePolicy): readonly number[] {
  const delays: number[] = Array.from({ length: policy.free }, () => 0);
  for (let delay = policy.firstDelaySeconds; delay < policy.delaySecondsMax; delay *= 2) delays.push(delay);
  delays.push(policy.delaySecondsMax);
  return delays;
}
