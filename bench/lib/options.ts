// What the command line may say; every part takes what concerns it.

export interface BenchOptions {
  /** Repetitions of each measurement; the variants take turns within each. */
  readonly rounds: number;
  /** Length of each measurement. */
  readonly seconds: number;
  /** Divides what is generated and placed: for trying a part out. */
  readonly scale: number;
}
