#!/usr/bin/env node
// node scripts/with-setup.mjs <script.ts> [arguments]: install what is missing, then run the script under Node 24.
//
// This file runs before anything is installed, on whatever Node (20 or newer) the machine has, so it is plain
// JavaScript without dependencies. Invariants: the marker that says "installed" is written only after npm has
// succeeded, so being killed at any moment only means installing again; of several started at once one installs
// and the others wait. The script's exit status becomes ours.

import { spawn } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const marker = join(modules, '.stoa-installed');
const claims = join(root, '.stoa', 'setup');
const oldestNode = 20;
const runtimeNode = 24;
const installWaitMs = 15 * 60_000;

class SetupError extends Error {
  constructor(message, status = 1) {
    super(message);
    this.status = status;
  }
}

/** Installs if needed, then runs `script` (relative to the repository) and exits with its status. */
export async function runWithSetup(script, args) {
  try {
    if (majorOf(process.versions.node) < oldestNode) {
      throw new SetupError(`Stoa needs Node ${oldestNode} or newer to set itself up; this is ${process.version}.`);
    }
    const digest = lockfileDigest();
    if (!isInstalled(digest)) await installOnce(digest);
    process.exitCode = (await run(runtime(), [resolve(root, script), ...args])).status;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.status;
  }
}

function majorOf(version) {
  return Number.parseInt(version, 10);
}

/** What node_modules must match. The platform counts: a tree may be shared between a laptop and a container. */
function lockfileDigest() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  return `${hash.digest('hex')} ${process.platform}-${process.arch}\n`;
}

function isInstalled(digest) {
  if (textOf(marker) === digest) return true;
  // No marker: somebody may have run `npm ci` by hand. npm writes its own inventory last, so a complete one is proof.
  if (existsSync(marker) || !isInventoryComplete()) return false;
  try {
    writeFileSync(marker, digest);
  } catch {
    // A read-only tree stays usable, the comparison is only repeated next time.
  }
  return true;
}

function isInventoryComplete() {
  const inventory = textOf(join(modules, '.package-lock.json'));
  if (inventory === undefined) return false;
  const present = JSON.parse(inventory).packages;
  const wanted = JSON.parse(textOf(join(root, 'package-lock.json'))).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    if (present[path] === undefined) return entry.optional === true && !isForThisMachine(entry);
    return present[path].version === entry.version && existsSync(join(root, path));
  });
}

/** Certainly for this machine: what names a C library, or no platform at all, npm may rightly have left out. */
function isForThisMachine({ os, cpu, libc }) {
  return os?.includes(process.platform) && cpu?.includes(process.arch) && libc === undefined;
}

async function installOnce(digest) {
  const deadline = Date.now() + installWaitMs;
  let told = false;
  for (;;) {
    const release = claim(process.pid);
    if (liveClaims() > 1) {
      // Two that meet both step back and try again after a random pause: neither can ever believe it is alone.
      release();
      if (Date.now() > deadline) throw new SetupError(`Another installation holds ${claims}: see what it is doing.`);
      if (!told) process.stderr.write('Waiting for another start to finish installing…\n');
      told = true;
      await new Promise((done) => setTimeout(done, 100 + randomInt(200)));
      continue;
    }
    try {
      if (!isInstalled(digest)) await install(digest);
      return;
    } finally {
      release();
    }
  }
}

async function install(digest) {
  const firstTime = !existsSync(marker);
  process.stderr.write(
    firstTime
      ? 'Installing dependencies (first start only, about 20 s)…\n'
      : 'Installing dependencies (they have changed, about 20 s)…\n',
  );
  rmSync(marker, { force: true });
  const startedAt = Date.now();
  // stdin and stdout stay ours: what the script prints may be piped into something.
  // The marker says that everything is there: NODE_ENV=production or a machine's omit= must not leave half of it out.
  const everything = ['--include=dev', '--include=optional'];
  const npm = spawn('npm', ['ci', '--prefix', root, ...everything], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  // If we are killed npm goes on; its own claim keeps a second start from installing beside it.
  const release = npm.pid === undefined ? () => {} : claim(npm.pid);
  const output = [];
  npm.stdout.on('data', (chunk) => output.push(chunk));
  npm.stderr.on('data', (chunk) => output.push(chunk));
  try {
    const { status, interrupted } = await endOf(npm, 'npm was not found: Stoa needs it, it comes with Node.');
    if (interrupted !== undefined) {
      const message = 'Interrupted while installing; the next start installs again.';
      throw new SetupError(message, statusOfSignal(interrupted));
    }
    if (status !== 0) {
      process.stderr.write(Buffer.concat(output));
      throw new SetupError(`Installing the dependencies failed (npm ci ended with status ${status}).`);
    }
  } finally {
    release();
  }
  writeFileSync(marker, digest);
  process.stderr.write(`Dependencies installed in ${Math.round((Date.now() - startedAt) / 1000)} s.\n`);
}

/** A file that says "this process is installing". One per process, so nobody ever has to take over another's. */
function claim(pid) {
  const path = join(claims, `${pid}-${startTimeOf(pid) ?? 0}`);
  try {
    mkdirSync(claims, { recursive: true });
    writeFileSync(path, '');
  } catch (error) {
    throw new SetupError(`The dependencies are not installed and ${root} cannot be written to (${error.code}).`);
  }
  return () => rmSync(path, { force: true });
}

function liveClaims() {
  let alive = 0;
  for (const name of readdirSync(claims)) {
    const [pid, startTime] = name.split('-');
    if (isAlive(Number(pid), startTime)) alive += 1;
    else rmSync(join(claims, name), { force: true });
  }
  return alive;
}

function isAlive(pid, startTime) {
  const now = startTimeOf(pid);
  if (now !== undefined) return startTime === '0' || now === startTime;
  if (existsSync('/proc/self/stat')) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Start time in clock ticks, from /proc (Linux only): a number that a reused process id does not share. */
function startTimeOf(pid) {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function runtime() {
  const bundled = join(modules, '.bin', 'node');
  if (existsSync(bundled)) return bundled;
  if (majorOf(process.versions.node) >= runtimeNode) return process.execPath;
  throw new SetupError(
    `Stoa runs on Node ${runtimeNode}, which does not come with it for ${process.platform}-${process.arch}: ` +
      `install it (this is ${process.version}).`,
  );
}

function run(command, args) {
  const path = `${join(modules, '.bin')}${delimiter}${process.env.PATH ?? ''}`;
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, PATH: path } });
  return endOf(child, `${command} cannot be started.`);
}

/**
 * The child's exit status, shell style, and the signal that we were sent meanwhile. Signals are passed on, and we
 * outlive the child to report how it ended.
 */
function endOf(child, ifMissing) {
  // Ctrl-C in a terminal reaches the whole process group, the child included; a second one would mean "at once".
  const inTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  let interrupted;
  const passOn = (signal) => {
    interrupted = signal;
    if (signal !== 'SIGINT' || !inTerminal) child.kill(signal);
  };
  process.on('SIGINT', passOn);
  process.on('SIGTERM', passOn);
  return new Promise((done, fail) => {
    child.once('error', () => fail(new SetupError(ifMissing)));
    child.once('close', (code, signal) => done({ status: code ?? statusOfSignal(signal), interrupted }));
  }).finally(() => {
    process.off('SIGINT', passOn);
    process.off('SIGTERM', passOn);
  });
}

function statusOfSignal(signal) {
  return 128 + (constants.signals[signal] ?? 0);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) {
    process.stderr.write('usage: node scripts/with-setup.mjs <script.ts> [arguments]\n');
    process.exitCode = 2;
  } else {
    await runWithSetup(script, args);
  }
}
