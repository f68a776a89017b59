// Reads a request's body, within bounds, as text. Bytes that are no UTF-8 are refused and not repaired: what is
// stored must be what was sent.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { HttpProblem } from './respond.ts';

export const BODY_MAX_BYTES = 64 * 1024;

const TOO_LARGE: HttpProblem = {
  status: 413,
  code: 'BODY_TOO_LARGE',
  message: `the body may have ${BODY_MAX_BYTES} bytes`,
  // What was not read cannot be skipped cheaply, so the connection ends.
  headers: { connection: 'close' },
};
const NOT_UTF8: HttpProblem = { status: 400, code: 'BODY_NOT_UTF8', message: 'the body must be UTF-8' };
const BROKEN_ESCAPE: HttpProblem = {
  status: 400,
  code: 'BODY_NOT_UTF8',
  message: 'the body has an escape like \\ud800 that stands for half a character',
};
const EMPTY: HttpProblem = { status: 400, code: 'BODY_EMPTY', message: 'the body is empty' };
/** Nobody is there to read this. */
const ABORTED: HttpProblem = { status: 400, code: 'BODY_INCOMPLETE', message: 'the body ended early' };

/** The body's text, or what is wrong with it. */
export function readBody(request: IncomingMessage): Promise<string | HttpProblem> {
  if (Number(request.headers['content-length']) > BODY_MAX_BYTES) return Promise.resolve(TOO_LARGE);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= BODY_MAX_BYTES) chunks.push(chunk);
      else {
        chunks.length = 0;
        request.pause();
        resolve(TOO_LARGE);
      }
    });
    request.once('end', () => resolve(decode(chunks)));
    request.once('error', () => resolve(ABORTED));
    request.once('close', () => resolve(ABORTED));
  });
}

function decode(chunks: readonly Buffer[]): string | HttpProblem {
  const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  if (bytes.length === 0) return EMPTY;
  if (!isUtf8(bytes)) return NOT_UTF8;
  const text = bytes.toString('utf8');
  return SURROGATE_ESCAPE.test(text) && hasBrokenText(text) ? BROKEN_ESCAPE : text;
}

const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/**
 * Whether a string of this JSON holds half a surrogate pair. Protobuf would replace it on its way to another process,
 * and not within this one: the same request must not be stored in two ways.
 */
function hasBrokenText(json: string): boolean {
  let broken = false;
  try {
    JSON.parse(json, (_, value) => {
      if (typeof value === 'string' && !value.isWellFormed()) broken = true;
      return value;
    });
  } catch {
    // No JSON at all: the engine says so.
  }
  return broken;
}
