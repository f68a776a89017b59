// Randomness without chance: everything drawn for the seed follows from a name, so that every run draws the same.
import { createHash } from 'node:crypto';

/** An integer from 0 up to, but not including, `bound`, for the name. */
export function drawn(name: string, bound: number): number {
  return createHash('sha256').update(name).digest().readUIntBE(0, 6) % bound;
}

/** The UUID of a name: version 8 (RFC 9562), since it is made of a SHA-256 instead of the SHA-1 of version 5. */
export function uuidOf(name: string): string {
  const bytes = createHash('sha256').update(`stoa seed ${name}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
