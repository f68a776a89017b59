// The PHC string format for argon2id: $argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>, base64 without padding.
// Parameters travel with each hash, so raising them does not invalidate what is stored.

export interface Argon2Cost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

export interface PasswordHash {
  readonly cost: Argon2Cost;
  readonly salt: Uint8Array;
  readonly tag: Uint8Array;
}

const PHC = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}

export function encodePhc({ cost, salt, tag }: PasswordHash): string {
  const { memoryKib, passes, lanes } = cost;
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${unpadded(salt)}$${unpadded(tag)}`;
}

/** Throws when the text is not an argon2id hash: a stored credential that cannot be read is a bug, not a wrong password. */
export function parsePhc(text: string): PasswordHash {
  const match = PHC.exec(text);
  if (match === null) throw new Error('a stored password hash is not an argon2id PHC string');
  const [, memoryKib, passes, lanes, salt, tag] = match as unknown as [string, string, string, string, string, string];
  return {
    cost: { memoryKib: Number(memoryKib), passes: Number(passes), lanes: Number(lanes) },
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
}

/** Whether a hash was made with another cost than the one now wanted. */
export function needsRehash(hash: PasswordHash, cost: Argon2Cost): boolean {
  return hash.cost.memoryKib !== cost.memoryKib || hash.cost.passes !== cost.passes || hash.cost.lanes !== cost.lanes;
}
