// What can go wrong at the broker, and how often.

export interface BusOdds {
  readonly duplicate: number;
  /** A delivery is late by up to `lateMaxMs`. */
  readonly late: number;
  readonly lateMaxMs: number;
  readonly ackLost: number;
  /** Stored, and the publisher is not told. */
  readonly publishAckLost: number;
  /** Only some of a window are stored. */
  readonly publishPartial: number;
  readonly beaconLost: number;
  readonly latencyMaxMs: number;
}

export const NO_BUS_FAULTS: BusOdds = {
  duplicate: 0,
  late: 0,
  lateMaxMs: 0,
  ackLost: 0,
  publishAckLost: 0,
  publishPartial: 0,
  beaconLost: 0,
  latencyMaxMs: 2,
};

export interface BrokerSettings {
  readonly ackWaitMs: number;
  readonly duplicateWindowMs: number;
}
