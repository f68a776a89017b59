// A way to break the consistent world.

export interface Damage {
  readonly names: string;
  readonly when: string;
  readonly moving?: boolean;
  /** What the finding must name. */
  readonly naming: string;
  /** Statements by database. */
  readonly damage: readonly (readonly [database: string, text: string, ...values: unknown[]])[];
}
