// Splits a batch so that a set-based handler can treat each part as a whole.

/** Records of one type, no two of the same aggregate. */
export interface Part<R> {
  readonly type: string;
  readonly records: R[];
}

/**
 * Round k holds each aggregate's k-th record; within a round the records are grouped by type, in order of first
 * appearance. Handling the parts in order keeps every aggregate's order, whatever the mix of types.
 */
export function inRounds<R extends { readonly type: string; readonly aggregateId: string }>(
  batch: readonly R[],
): Part<R>[] {
  const rounds: Map<string, Part<R>>[] = [];
  const seen = new Map<string, number>();
  for (const record of batch) {
    const round = seen.get(record.aggregateId) ?? 0;
    seen.set(record.aggregateId, round + 1);
    let parts = rounds[round];
    if (parts === undefined) {
      parts = new Map();
      rounds[round] = parts;
    }
    const part = parts.get(record.type);
    if (part === undefined) parts.set(record.type, { type: record.type, records: [record] });
    else part.records.push(record);
  }
  return rounds.flatMap((parts) => [...parts.values()]);
}
