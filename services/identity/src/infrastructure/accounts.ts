// Accounts in SQL.
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';

export type RoleName = 'customer' | 'staff';

export interface AccountRow {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: RoleName;
  readonly created_at: Date;
}

export interface Credential extends AccountRow {
  readonly password_hash: string;
}

export interface NewAccount {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: RoleName;
  readonly passwordHash: string;
}

/** Stores a new account; undefined when the address has one. The unique key decides, not a look beforehand. */
export function insertAccount(tx: Tx, account: NewAccount): Promise<AccountRow | undefined> {
  const { id, email, name, role, passwordHash } = account;
  return tx.maybe(sql<AccountRow>`
    insert into account (id, email, name, role, password_hash)
    values (${id}, ${email}, ${name}, ${role}, ${passwordHash})
    on conflict (email) do nothing
    returning id, email, name, role, created_at`);
}

/** Makes the account staff with this name and password, whatever it was before. */
export function upsertStaff(tx: Tx, account: Omit<NewAccount, 'role'>): Promise<AccountRow> {
  const { id, email, name, passwordHash } = account;
  return tx.one(sql<AccountRow>`
    insert into account (id, email, name, role, password_hash)
    values (${id}, ${email}, ${name}, 'staff', ${passwordHash})
    on conflict (email) do update set name = excluded.name, role = 'staff', password_hash = excluded.password_hash
    returning id, email, name, role, created_at`);
}

export function findCredential(db: Queryable, email: string): Promise<Credential | undefined> {
  return db.maybe(sql<Credential>`
    select id, email, name, role, created_at, password_hash from account where email = ${email}`);
}

export function findAccount(db: Queryable, id: string): Promise<AccountRow | undefined> {
  return db.maybe(sql<AccountRow>`select id, email, name, role, created_at from account where id = ${id}`);
}

export async function renameAccount(tx: Queryable, id: string, name: string): Promise<AccountRow> {
  return tx.one(sql<AccountRow>`
    update account set name = ${name} where id = ${id} returning id, email, name, role, created_at`);
}

/**
 * Holds the credential that a password was verified against until the transaction ends; false when it has been replaced
 * meanwhile. So a password change, which revokes every session, cannot miss one that the old password just starts.
 */
export async function holdCredential(tx: Tx, id: string, verified: string): Promise<boolean> {
  const held = await tx.maybe(sql<{ id: string }>`
    select id from account where id = ${id} and password_hash = ${verified} for share`);
  return held !== undefined;
}

/** Replaces a hash that was made at another cost; holds the credential like `holdCredential`. */
export async function replaceHash(tx: Tx, id: string, verified: string, next: string): Promise<boolean> {
  const replaced = await tx.run(sql`
    update account set password_hash = ${next} where id = ${id} and password_hash = ${verified}`);
  return replaced === 1;
}
