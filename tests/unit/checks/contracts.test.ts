import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { bufBreaking, differences } from '../../../scripts/checks/contracts.ts';
import { root } from '../../../scripts/checks/run-tool.ts';

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

describe('no breaking change', () => {
  it('names a field of a released contract whose number was changed', async () => {
    const copy = folder({});
    cpSync(join(root, 'buf.yaml'), join(copy, 'buf.yaml'));
    cpSync(join(root, 'proto'), join(copy, 'proto'), {
      recursive: true,
      filter: (path) => !/node_modules|\/gen$/.test(path),
    });
    const money = join(copy, 'proto/stoa/common/v1/money.proto');
    writeFileSync(money, readFileSync(money, 'utf8').replace('currency = 1', 'currency = 3'));
    const { ok, details } = await bufBreaking(copy);
    expect(ok).toBe(false);
    expect(details?.join('\n')).toContain('message "Money"');
  });
});
