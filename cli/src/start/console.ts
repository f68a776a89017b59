// What a person sees: progress while starting, and what goes wrong while running. The full logs go to files.
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';

const LEVELS: Readonly<Record<number, string>> = { 40: 'warn', 50: 'error', 60: 'fatal' };
const WARN = 40;

export interface LogSink {
  /** Takes a JSON log line (or several) of a process. */
  write(text: string): void;
  /** Resolves once the last line is in the file. */
  close(): Promise<void>;
}

/** Writes a process's log to `<home>/logs/<name>.log` and tells warnings and errors on the console, named. */
export function openLogSink(home: string, name: string, out: NodeJS.WritableStream): LogSink {
  const folder = join(home, 'logs');
  mkdirSync(folder, { recursive: true });
  let file: WriteStream | undefined;
  /** A file that cannot be written, on a full disk, is opened anew by the next line: never a reason to end. */
  const open = (): WriteStream => {
    const opened = createWriteStream(join(folder, `${name}.log`), { flags: 'a' });
    opened.on('error', () => {
      if (file === opened) file = undefined;
    });
    return opened;
  };
  let rest = '';
  return {
    write(text) {
      file ??= open();
      file.write(text);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) tell(line, name, out);
    },
    async close() {
      if (rest !== '') tell(rest, name, out);
      const last = file;
      file = undefined;
      if (last !== undefined) await new Promise<void>((resolve) => last.once('close', resolve).end());
    },
  };
}

function tell(line: string, name: string, out: NodeJS.WritableStream): void {
  if (line === '') return;
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    // Not ours: Node itself, before or instead of the log.
    out.write(`${name}: ${line}\n`);
    return;
  }
  const level = Number(entry.level);
  if (level < WARN) return;
  const about = ['topic', 'consumer', 'job', 'saga', 'state', 'method', 'reason', 'id']
    .filter((key) => entry[key] !== undefined)
    .map((key) => `${key}=${entry[key]}`);
  const error = (entry.err as { message?: string } | undefined)?.message;
  const parts = [`${entry.service ?? name}: ${entry.msg}`, ...about, ...(error === undefined ? [] : [`(${error})`])];
  out.write(`${LEVELS[level] ?? level} ${parts.join(' ')}\n`);
}
