// Ed25519 keys that sign access tokens. They live in the database, so that all replicas sign with one key and verify
// each other's; making one happens under a lock, so that several starting at once agree.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Database, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import type { Random } from '@stoa/chassis/runtime';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { type KeyPolicy, planKeys } from '../domain/key-plan.ts';

/** An Ed25519 private key in PKCS #8 is this prefix and its 32-byte seed (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_BYTES = 32;
/** Any number: the same one for every replica. */
const ADVISORY_LOCK = 5_711_001;

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

export interface KeyRing {
  /** The key that signs now. */
  current(): SigningKey;
  /** Public parts of every key that verifies, as a JSON Web Key Set. */
  jwksJson(): string;
  /** Replaces a key that is due, takes in what other replicas did. */
  refresh(): Promise<void>;
}

interface KeyRow {
  readonly kid: string;
  readonly seed: Buffer;
  readonly active_from: Date;
}

/** Opens the ring, making the first key if there is none. */
export async function openKeyRing(db: Database, random: Random, policy: KeyPolicy): Promise<KeyRing> {
  let { current, jwksJson } = await loadKeys(db, random, policy);
  return {
    current: () => current,
    jwksJson: () => jwksJson,
    refresh: async () => {
      ({ current, jwksJson } = await loadKeys(db, random, policy));
    },
  };
}

async function loadKeys(db: Database, random: Random, policy: KeyPolicy) {
  const { rows, signing } = await db.transact(async (tx) => {
    await tx.run(sql`select pg_advisory_xact_lock(${ADVISORY_LOCK})`);
    return planned(tx, random, policy);
  });
  const keys = rows.map((row) => ({ kid: row.kid, privateKey: privateKeyOf(row.seed) }));
  const current = keys.find((key) => key.kid === signing);
  if (current === undefined) throw new Error('no signing key is active');
  return { current, jwksJson: JSON.stringify({ keys: keys.map((key) => publicJwk(key)) }) };
}

async function planned(tx: Tx, random: Random, policy: KeyPolicy): Promise<{ rows: KeyRow[]; signing: string }> {
  // The lock's transaction began before it waited, so now() may be older than another replica's new key.
  const { now } = await tx.one(sql<{ now: Date }>`select clock_timestamp() as now`);
  const rows = await tx.rows(sql<KeyRow>`select kid, seed, active_from from signing_key order by active_from, kid`);
  const before = planKeys(rows.map(dates), now, policy);
  if (before.create !== undefined) rows.push(await insertKey(tx, random, before.create));
  if (before.retired.length > 0) {
    await tx.run(sql`delete from signing_key where kid = any(${before.retired}::text[])`);
  }
  const kept = rows.filter((row) => !before.retired.includes(row.kid));
  const { signing } = planKeys(kept.map(dates), now, policy);
  if (signing === undefined) throw new Error('no signing key is active');
  return { rows: kept, signing };
}

function dates(row: KeyRow) {
  return { kid: row.kid, activeFrom: row.active_from };
}

async function insertKey(tx: Tx, random: Random, activeFrom: Date): Promise<KeyRow> {
  const seed = Buffer.from(random.bytes(SEED_BYTES));
  const kid = await calculateJwkThumbprint(jwkOf(privateKeyOf(seed)));
  await tx.run(sql`insert into signing_key (kid, seed, active_from) values (${kid}, ${seed}, ${activeFrom})`);
  return { kid, seed, active_from: activeFrom };
}

function privateKeyOf(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}

function jwkOf(privateKey: KeyObject): JWK {
  return createPublicKey(privateKey).export({ format: 'jwk' }) as JWK;
}

function publicJwk({ kid, privateKey }: SigningKey): JWK {
  return { ...jwkOf(privateKey), kid, alg: 'EdDSA', use: 'sig' };
}
