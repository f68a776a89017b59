// One bug of the zoo.
import type { Mode, WorldOptions } from '../world/options.ts';

export interface Bug {
  readonly name: string;
  /** What is wrong, and what it must break. */
  readonly why: string;
  readonly file: string;
  /** Must occur exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** A second change to the same file. */
  readonly also?: { readonly find: string; readonly replace: string };
  /** What the violation says that it was found by: another one would be luck, or another bug. */
  readonly finds: RegExp;
  /** Within how many seeds it must be found. */
  readonly seeds: number;
  readonly mode?: Mode;
  /** What its worlds have more of than others; the rest is drawn. For bugs that need one rare thing to show. */
  readonly world?: Partial<WorldOptions>;
}
