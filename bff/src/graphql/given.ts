// What a contract promises and its types cannot say.

/** A field that the contract always fills; its absence is the service's fault and no client's. */
export function given<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`a service answered without ${what}`);
  return value;
}
