// Between grpc-js's metadata and status and connect's headers and errors. Details of an error travel as
// google.rpc.Status in `grpc-status-details-bin`, as every gRPC implementation does it.
import { Code, ConnectError } from '@connectrpc/connect';
import { findTrailerError, setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { Metadata, type status } from '@grpc/grpc-js';
import type { HeadersInit } from './headers.ts';

const DETAILS = 'grpc-status-details-bin';

/** Headers of a call, for a handler that asks for them all. Binary values as unpadded base64, as on the wire. */
export function toHeaders(metadata: Metadata | undefined): Headers {
  const headers = new Headers();
  if (metadata === undefined) return headers;
  for (const key of Object.keys(metadata.getMap())) {
    if (key === DETAILS) continue;
    for (const value of metadata.get(key)) {
      headers.append(key, typeof value === 'string' ? value : value.toString('base64').replace(/=+$/, ''));
    }
  }
  return headers;
}

/** Adds connect's headers to metadata; throws on names or values that HTTP/2 cannot carry. */
export function addHeaders(metadata: Metadata, init: HeadersInit | undefined): void {
  if (init === undefined) return;
  if (init instanceof Headers) for (const [key, value] of init) addHeader(metadata, key, value);
  else if (Array.isArray(init)) for (const [key, value] of init) addHeader(metadata, key as string, value as string);
  else for (const key in init) addHeader(metadata, key, (init as Record<string, string>)[key] as string);
}

function addHeader(metadata: Metadata, key: string, value: string): void {
  if (key.endsWith('-bin')) metadata.add(key, Buffer.from(value, 'base64'));
  else metadata.add(key, value);
}

/** How a call ended, as grpc-js has it. The numbers of `status` and of `Code` are the same. */
export interface GrpcStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The status that carries an error to the caller. */
export function toStatus(error: ConnectError, trailer: Headers | undefined): GrpcStatus {
  const metadata = new Metadata();
  addHeaders(metadata, trailer);
  if (!error.isWireError) addHeaders(metadata, error.metadata);
  // grpc-js and connect percent-encode the text, which throws on unpaired surrogates.
  const text = error.rawMessage.toWellFormed();
  if (error.details.length > 0) {
    const plain = new ConnectError(text, error.code);
    plain.details = error.details;
    const encoded = setTrailerStatus(new Headers(), plain).get(DETAILS);
    if (encoded !== null) metadata.set(DETAILS, Buffer.from(encoded, 'base64'));
  }
  return { code: error.code as number as status, details: text, metadata };
}

/** The error that a status carries. */
export function fromStatus({ code, details, metadata }: GrpcStatus): ConnectError {
  const error = new ConnectError(details, code in Code ? (code as number as Code) : Code.Unknown, toHeaders(metadata));
  const packed = metadata.get(DETAILS)[0];
  if (packed instanceof Buffer) error.details = unpackDetails(packed);
  error.isWireError = true;
  return error;
}

function unpackDetails(packed: Buffer): ConnectError['details'] {
  try {
    return findTrailerError(new Headers({ [DETAILS]: packed.toString('base64') }))?.details ?? [];
  } catch {
    // Unreadable details must not hide the status itself.
    return [];
  }
}
