// Runs a program and says how it ended. Nothing is printed here: the caller decides what is worth showing.

import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

export interface ToolResult {
  readonly ok: boolean;
  /** Both streams, in the order in which they arrived. */
  readonly output: string;
}

export function runTool(command: string, args: readonly string[]): Promise<ToolResult> {
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`;
  return new Promise((done) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      // NO_COLOR: what is shown of it is indented and may end in a log file.
      env: { ...process.env, PATH: path, NO_COLOR: '1', FORCE_COLOR: undefined },
    });
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error) => done({ ok: false, output: `${command} cannot be started: ${error.message}` }));
    child.once('close', (code) => done({ ok: code === 0, output: output.trim() }));
  });
}
