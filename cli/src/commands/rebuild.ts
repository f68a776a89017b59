// `stoa rebuild`: a read model from its events, beside the live one, compared and swapped.
import { EXIT, expectPositionals, readLine, readWarrant } from '../operate/command-line.ts';
import { plural, print, table } from '../operate/output.ts';
import type { Rebuild } from '../operate/rebuild/rebuild.ts';
import { withShopData } from '../operate/shop-data.ts';

export async function rebuild(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, { 'dry-run': { type: 'boolean', default: false } });
  const [name = ''] = expectPositionals(positionals, 'READ_MODEL');
  const warrant = values['dry-run'] ? undefined : readWarrant(values);
  const [operate, { readModelNamed }] = await Promise.all([
    import('../operate/rebuild/rebuild.ts'),
    import('../operate/rebuild/read-models.ts'),
  ]);
  const model = readModelNamed(name);
  const done = await withShopData(process.env, (data) => operate.rebuild(data, model, warrant));
  const { keys, ...report } = done;
  print(values.json, report, () => rebuildText(done));
  const isLeft = model.deletesExtra ? 0 : done.extra;
  return (warrant === undefined ? keys.length : isLeft) > 0 ? EXIT.failed : 0;
}

function rebuildText({ model, built, live, rebuilt, examples, swapped, derived, ...counts }: Rebuild): string {
  const { missing, extra, different } = counts;
  const kept = built.kept === 0 ? '' : `; ${plural(built.kept, 'row')} kept, their events are past retention`;
  const sides = table(
    ['', 'ROWS', 'HASH'],
    [
      ['live', String(live.rows), live.hash],
      ['rebuilt', String(rebuilt.rows), rebuilt.hash],
    ],
  );
  const heading = `${model}: ${plural(built.events, 'event')} replayed, up to ${built.upTo}${kept}\n${sides}`;
  if (missing + extra + different === 0) return `${heading}They are equal.\n${ended(swapped, derived)}`;
  const lines = examples.map(({ key, kind, columns }) => {
    const changes = Object.entries(columns).map(([column, [was, is]]) => `${column} ${short(was)} -> ${short(is)}`);
    return `  ${kind}  ${key}  ${kind === 'different' ? changes.join(', ') : ''}`.trimEnd();
  });
  const more = missing + extra + different - examples.length;
  if (more > 0) lines.push(`  and ${more} more`);
  const sum = `${missing} missing, ${extra} extra, ${different} different\n`;
  return `${heading}${sum}${lines.join('\n')}\n${ended(swapped, derived)}`;
}

const short = (value: string | null) =>
  value === null ? 'null' : value.length > 40 ? `${value.slice(0, 40)}…` : value;

function ended(swapped: number | undefined, derived: string | undefined): string {
  if (swapped === undefined) return 'Nothing was changed.\n';
  return `Swapped: ${plural(swapped, 'row')} written${derived === undefined ? '' : `, ${derived}`}.\n`;
}
