/** Whether a process can serve. */
export interface Readiness {
  readonly ready: boolean;
  /** Why not, by service; empty when ready. */
  readonly reasons: Readonly<Record<string, string>>;
}
