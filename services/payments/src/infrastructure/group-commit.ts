// Group commit: items that arrive while a commit is under way wait and go together in the next one. Alone, an item
// is committed at once; under load the batches grow by themselves, and there is no timer to tune.

/** What became of one item of a batch. */
export type Committed<Out> =
  | { readonly ok: true; readonly result: Out }
  | { readonly ok: false; readonly error: unknown };

export interface GroupCommitOptions<In, Out> {
  /** Items with the same key never share a batch; they keep their order. */
  readonly keyOf: (item: In) => string;
  readonly batchMax: number;
  /** One result for each item, in order. When it throws, every item of the batch fails. */
  readonly commit: (batch: readonly In[]) => Promise<readonly Committed<Out>[]>;
}

interface Waiting<In, Out> {
  readonly item: In;
  readonly resolve: (result: Out) => void;
  readonly reject: (error: unknown) => void;
}

/** Returns the function that submits an item and resolves when it has been committed. */
export function groupCommit<In, Out>(options: GroupCommitOptions<In, Out>): (item: In) => Promise<Out> {
  let queue: Waiting<In, Out>[] = [];
  let committing = false;

  async function drain(): Promise<void> {
    committing = true;
    // What is submitted in this same turn joins the first batch.
    await Promise.resolve();
    while (queue.length > 0) {
      const batch = take();
      try {
        const results = await options.commit(batch.map((waiting) => waiting.item));
        for (const [index, waiting] of batch.entries()) {
          const committed = results[index] as Committed<Out>;
          if (committed.ok) waiting.resolve(committed.result);
          else waiting.reject(committed.error);
        }
      } catch (error) {
        for (const waiting of batch) waiting.reject(error);
      }
    }
    committing = false;
  }

  function take(): Waiting<In, Out>[] {
    const keys = new Set<string>();
    const batch: Waiting<In, Out>[] = [];
    const left: Waiting<In, Out>[] = [];
    for (const waiting of queue) {
      const key = options.keyOf(waiting.item);
      if (batch.length < options.batchMax && !keys.has(key)) batch.push(waiting);
      else left.push(waiting);
      keys.add(key);
    }
    queue = left;
    return batch;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject });
      if (!committing) void drain();
    });
}
