// Names of the headers that calls carry between processes. gRPC metadata keys and HTTP headers are the same thing here.
// All lower case: `CallHeaders.header` does not normalise.

/** `Bearer <access token>` of the user behind the call. */
export const AUTHORIZATION = 'authorization';
/** Proves which service calls; see authenticate.ts. */
export const SERVICE_CREDENTIAL = 'x-stoa-service-credential';
/** The client's mesh identity, set (or removed) by Linkerd's inbound proxy. */
export const MESH_IDENTITY = 'l5d-client-id';
/** W3C trace context. */
export const TRACEPARENT = 'traceparent';
/** Pins a call, and all that follows from it, to a service's canary; see canary.ts. */
export const CANARY = 'x-stoa-canary';
/** Which owner is meant, for a service that several owners serve (EventLogService) behind one port. */
export const OWNER = 'x-stoa-owner';
/** Set by the edge on calls it forwards for somebody outside: internal methods refuse them. */
export const EDGE = 'x-stoa-edge';
/** Address of the client outside, told by the edge: what guests' rate limits are counted by. */
export const CLIENT_ADDRESS = 'x-stoa-client-address';

/** What connect's call options may carry as headers. (The name is a DOM type, which this repository does not load.) */
export type HeadersInit = ConstructorParameters<typeof Headers>[0];

/** The transport's view of a call's headers: single look-ups are cheap, the whole is built on request. */
export interface CallHeaders {
  /** The first value of a header, by its lower-case name. */
  header(name: string): string | undefined;
  headers(): Headers;
}

/** Reads one header of connect's call options without building a `Headers` for it. */
export function readHeader(init: HeadersInit | undefined, name: string): string | undefined {
  if (init === undefined) return undefined;
  if (init instanceof Headers) return init.get(name) ?? undefined;
  if (Array.isArray(init)) return init.find(([key]) => key?.toLowerCase() === name)?.[1];
  const record = init as Record<string, string>;
  const direct = record[name];
  if (direct !== undefined) return direct;
  for (const key in record) if (key.toLowerCase() === name) return record[key];
  return undefined;
}
