// The embedded servers, for real: nothing here is simulated. The home is a private (0700) temporary folder, so that
// run as root this covers the case in which PostgreSQL's user cannot enter the home.

import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../src/infrastructure/child.ts';
import { clearData } from '../../src/infrastructure/clear-data.ts';
import { lockHome } from '../../src/infrastructure/home-lock.ts';
import { startNats } from '../../src/infrastructure/nats.ts';
import { startPostgres } from '../../src/infrastructure/postgres.ts';
import { processState } from '../../src/infrastructure/processes.ts';
import { readSecrets, updateSecrets } from '../../src/infrastructure/secrets.ts';

const slow = 120_000;
const started: RunningServer[] = [];
const homes: string[] = [];

function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'stoa-home-'));
  homes.push(home);
  return home;
}

async function start(home: string): Promise<{ postgres: RunningServer; nats: RunningServer }> {
  const [postgres, nats] = await Promise.all([startPostgres({ home }), startNats({ home })]);
  started.push(postgres, nats);
  return { postgres, nats };
}

async function query<T>(url: string, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows as T[];
  } finally {
    await client.end();
  }
}

/** One JetStream API request over the plain protocol: this package has no NATS client. */
function jetStream(url: string, subject: string, body: unknown): Promise<Record<string, unknown>> {
  const { hostname, port } = new URL(url);
  const payload = JSON.stringify(body);
  return new Promise((done, fail) => {
    let received = '';
    const socket = connect(Number(port), hostname);
    socket.setEncoding('utf8');
    socket.setTimeout(5_000, () => fail(new Error(`no answer to ${subject}: ${received}`)));
    socket.on('error', fail);
    socket.on('data', (chunk: string) => {
      received += chunk;
      const answer = /^MSG inbox 1 +\d+\r\n(\{.*\})\r\n/m.exec(received);
      if (answer === null) return;
      socket.destroy();
      done(JSON.parse(answer[1] as string) as Record<string, unknown>);
    });
    socket.write('CONNECT {"verbose":false}\r\nSUB inbox 1\r\n');
    socket.write(`PUB ${subject} inbox ${Buffer.byteLength(payload)}\r\n${payload}\r\n`);
  });
}

afterAll(async () => {
  for (const server of started) await server.stop();
  for (const home of homes) {
    await clearData(home);
    rmSync(home, { recursive: true });
  }
}, slow);

describe('the embedded servers', { timeout: slow }, () => {
  const home = temporaryHome();
  let servers: { postgres: RunningServer; nats: RunningServer };

  beforeAll(async () => {
    servers = await start(home);
    await query(servers.postgres.url, 'create table note (text text)');
  }, slow);

  it('never trade durability for speed, and listen on the loopback interface and in their own folder only', async () => {
    const rows = await query<{ name: string; setting: string }>(
      servers.postgres.url,
      `select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes',
       'listen_addresses', 'unix_socket_directories', 'server_encoding', 'max_connections') order by name`,
    );
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'on',
      full_page_writes: 'on',
      listen_addresses: '127.0.0.1',
      max_connections: '200',
      server_encoding: 'UTF8',
      synchronous_commit: 'on',
      unix_socket_directories: realpathSync(join(home, 'postgres')),
    });
    await query(servers.postgres.url, 'select count(*) from pg_stat_statements');
  });

  it('ask for the password, and keep it where only the owner can read it', async () => {
    const url = new URL(servers.postgres.url);
    url.password = 'wrong';
    await expect(query(url.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    expect(statSync(join(home, 'secrets.json')).mode & 0o777).toBe(0o600);
  });

  it('find their data again after both were killed', async () => {
    await query(servers.postgres.url, `insert into note values ('kept')`);
    await jetStream(servers.nats.url, '$JS.API.STREAM.CREATE.S', { name: 'S', subjects: ['s'], storage: 'file' });
    await jetStream(servers.nats.url, 's', { text: 'kept' });
    process.kill(servers.postgres.pid, 'SIGKILL');
    process.kill(servers.nats.pid, 'SIGKILL');
    expect(await servers.postgres.exited).toEqual({ code: null, signal: 'SIGKILL' });

    servers = await start(home);
    expect(await query(servers.postgres.url, 'select text from note')).toEqual([{ text: 'kept' }]);
    const info = await jetStream(servers.nats.url, '$JS.API.STREAM.INFO.S', {});
    expect(info).toMatchObject({ state: { messages: 1 } });
  });

  it('take the place of servers that a killed run has left running', async () => {
    const left = servers;
    servers = await start(home);
    expect(processState(left.postgres.pid).alive).toBe(false);
    expect(processState(left.nats.pid).alive).toBe(false);
    // Fast shutdown: the old server has ended in good order, not by force.
    expect(await left.postgres.exited).toEqual({ code: 0, signal: null });
    expect(await query(servers.postgres.url, 'select text from note')).toEqual([{ text: 'kept' }]);
  });

  it('stop when asked, also with a client connected and when asked twice', async () => {
    const client = new pg.Client({ connectionString: servers.postgres.url });
    client.on('error', () => undefined);
    await client.connect();
    await Promise.all([servers.postgres.stop(), servers.postgres.stop(), servers.nats.stop()]);
    expect(await servers.postgres.exited).toEqual({ code: 0, signal: null });
    expect(processState(servers.nats.pid).alive).toBe(false);
    await client.end().catch(() => undefined);
  });

  it('ignore a pid file whose process id belongs to somebody else now', async () => {
    // A process of the same user as PostgreSQL: on that one PostgreSQL itself would give up.
    const data = realpathSync(join(home, 'postgres', 'data'));
    const { uid, gid } = statSync(data);
    const other = spawn('/bin/sleep', ['60'], { stdio: 'ignore', uid, gid, cwd: '/' });
    writeFileSync(join(data, 'postmaster.pid'), `${other.pid}\n${data}\n1\n1\n\n127.0.0.1\n\nready\n`);
    try {
      servers = await start(home);
      expect(processState(other.pid as number).alive).toBe(true);
      expect(await query(servers.postgres.url, 'select text from note')).toEqual([{ text: 'kept' }]);
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('start although nobody has collected the killed one yet', async () => {
    await servers.postgres.stop();
    const data = realpathSync(join(home, 'postgres', 'data'));
    const { uid, gid } = statSync(data);
    // A sleep that was a shell: it knows nothing of the child that it has, so that one stays a zombie. The child
    // outlives the shell, which would otherwise collect it.
    const parent = spawn('/bin/sh', ['-c', 'sleep 1 & echo $!; exec sleep 60'], { uid, gid, cwd: '/' });
    try {
      const zombie = await new Promise<number>((done) => parent.stdout.once('data', (text) => done(Number(text))));
      while (processState(zombie).alive) await sleep(10);
      expect(process.kill(zombie, 0)).toBe(true);
      writeFileSync(join(data, 'postmaster.pid'), `${zombie}\n${data}\n1\n1\n\n127.0.0.1\n\nready\n`);
      servers = await start(home);
      expect(await query(servers.postgres.url, 'select text from note')).toEqual([{ text: 'kept' }]);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('lose everything, and nothing but their data, when it is cleared', async () => {
    updateSecrets(home, { other: 'stays' });
    const data = realpathSync(join(home, 'postgres', 'data'));
    const { postgres, nats } = servers;
    await clearData(home);
    expect([postgres.pid, nats.pid].map((pid) => processState(pid).alive)).toEqual([false, false]);
    expect(existsSync(data)).toBe(false);
    expect(readSecrets(home).other).toBe('stays');

    servers = await start(home);
    expect(await query(servers.postgres.url, `select to_regclass('note') as note`)).toEqual([{ note: null }]);
  });
});

describe('the lock on a home', () => {
  it('is refused while it is held, and free after its release', async () => {
    const home = temporaryHome();
    const release = await lockHome(home);
    await expect(lockHome(home)).rejects.toThrow(`Stoa is already running in ${home} (process ${process.pid})`);
    release();
    (await lockHome(home))();
  });

  it('is taken over from the dead, and from a process id that was given to another process', async () => {
    const home = temporaryHome();
    (await lockHome(home))();
    const reused = `${process.pid}-1-00000000`;
    const dead = spawn('/bin/true');
    await new Promise((done) => dead.once('exit', done));
    for (const name of [reused, `${dead.pid}-12345-00000000`]) writeFileSync(join(home, 'lock', name), '');
    const release = await lockHome(home);
    expect(readdirSync(join(home, 'lock'))).toHaveLength(1);
    release();
  });

  it('goes to one at most of many who want it at the same time', async () => {
    const home = temporaryHome();
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockHome(home)));
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
  });
});

describe('secrets', () => {
  it('are merged', () => {
    const home = temporaryHome();
    updateSecrets(home, { first: '1', second: '2' });
    updateSecrets(home, { second: '3' });
    expect(readSecrets(home)).toEqual({ first: '1', second: '3' });
    expect(JSON.parse(readFileSync(join(home, 'secrets.json'), 'utf8'))).toEqual({ first: '1', second: '3' });
  });
});
