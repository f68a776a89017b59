// Enums of the contracts are open: a service that is newer than this process may answer a value that it does not know.

/** The name in the API for all of them, in place of UNSPECIFIED. */
export const OTHER_VALUE = { value: 0, description: 'One that this version of the API does not name.' } as const;

/** The value, or 0, which shows as OTHER, when it has no name in the contract that this process was built with. */
export function knownOrOther<Value extends number>(values: Readonly<Record<string, Value>>, value: number): Value | 0 {
  return Object.values(values).find((known) => known === value) ?? 0;
}
