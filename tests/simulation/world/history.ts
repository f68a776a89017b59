// What clients did and heard: the basis of the checks that no database can answer.

export type Heard =
  | { readonly kind: 'ok'; readonly orderId: string }
  | { readonly kind: 'refused'; readonly reason: string }
  /** No answer, or one that says nothing about the outcome. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface Attempt {
  readonly key: string;
  readonly cartId: string;
  readonly customerId: string | undefined;
  readonly expectedMinor: bigint | undefined;
  readonly beganMs: number;
  endedMs: number;
  heard: Heard | undefined;
}

export interface Sighting {
  readonly orderId: string;
  readonly beganMs: number;
  readonly endedMs: number;
  readonly version: bigint;
  readonly status: number;
}

/** An attempt that used another cart's key on purpose. */
export interface Misuse {
  readonly key: string;
  readonly beganMs: number;
  readonly heard: Heard;
}

export interface History {
  /** What carts held, by "id version", as the customer was told. */
  readonly carts: Map<string, readonly { readonly sku: string; readonly quantity: number }[]>;
  /** From then on nothing is wrong and nothing is under way that began before. */
  calmMs: number;
  readonly attempts: Attempt[];
  readonly sightings: Sighting[];
  readonly misuses: Misuse[];
  /** Orders that were not there when somebody asked who had been told of them and may see them. */
  readonly missing: string[];
  /** Orders whose cancellation was granted. */
  readonly cancelled: Set<string>;
}

export const createHistory = (): History => ({
  carts: new Map(),
  calmMs: Number.POSITIVE_INFINITY,
  attempts: [],
  sightings: [],
  misuses: [],
  missing: [],
  cancelled: new Set(),
});
