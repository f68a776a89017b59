// `stoa actions list`: who did what to the shop's data, and why.
import { expectPositionals, readLine, subcommands } from '../operate/command-line.ts';
import { clockTime, print, table } from '../operate/output.ts';
import { withShopData } from '../operate/shop-data.ts';
import { readCount } from './read-count.ts';

async function list(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, {
    limit: { type: 'string', default: '50' },
    target: { type: 'string' },
  });
  expectPositionals(positionals);
  const limit = readCount('--limit', values.limit, 1, 10_000);
  const { listActions } = await import('../operate/actions.ts');
  const rows = await withShopData(process.env, (data) => listActions(data, limit, values.target ?? null));
  print(values.json, rows, () =>
    rows.length === 0
      ? 'No operator has done anything yet.\n'
      : table(
          ['WHEN', 'WHO', 'WHAT', 'TO', 'IN', 'WHY'],
          rows.map((row) => [clockTime(row.at), row.by, row.action, row.target, row.service, row.why]),
        ),
  );
  return 0;
}

export const actions = subcommands('actions', { list });
