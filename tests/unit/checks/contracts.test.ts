import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { differences } from '../../../scripts/checks/contracts.ts';

const folders: string[] = [];

function folder(files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'stoa-differences-'));
  folders.push(path);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true });
});

describe('contracts up to date', () => {
  const generated = { 'v1/a_pb.ts': 'a', 'v1/b_pb.ts': 'b' };

  it('accepts what is generated', () => {
    expect(differences(folder(generated), folder(generated))).toEqual([]);
  });

  it('names every file that was changed, forgotten or left behind', () => {
    const committed = folder({ 'v1/a_pb.ts': 'changed by hand', 'v1/old_pb.ts': 'left behind' });
    expect(differences(committed, folder(generated))).toEqual([
      'v1/a_pb.ts is not what the contracts say',
      'v1/b_pb.ts is missing',
      'v1/old_pb.ts is not generated from anything',
    ]);
  });
});
