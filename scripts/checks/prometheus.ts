// Queries of alerts and of analyses, read by Prometheus' own parser where it is installed: a query that does not parse is
// an alert that never fires, and a rollout that stops in its first step. Gates also have cases: series in, verdict out.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Outcome } from './contracts.ts';
import { type Document, documentsOf, listOf, objectOf, textOf } from './documents.ts';
import { readRepository } from './repository.ts';
import { root, runTool } from './run-tool.ts';

/** What gates must say of series that are written down there. */
const CASES = 'mesh/tests/gates.yaml';
/** Values of the arguments of analyses in those cases; any other argument is its own name. */
const SERVICE = 'orders';

export async function queries(): Promise<Outcome> {
  const { texts } = readRepository(root);
  const documents = [...texts].flatMap(([path, text]) =>
    /^mesh\/.*\.ya?ml$/.test(path) && /kind: (PrometheusRule|AnalysisTemplate)/.test(text)
      ? documentsOf(path, text)
      : [],
  );
  const groups = documents.flatMap(groupsOf);
  const rules = groups.reduce((sum: number, group) => sum + listOf(objectOf(group).rules).length, 0);
  if (!(await runTool('promtool', ['--version'])).ok) {
    return { ok: true, skipped: true, note: 'not checked: no promtool on this machine' };
  }
  const folder = mkdtempSync(join(tmpdir(), 'stoa-rules-'));
  try {
    const file = join(folder, 'rules.yaml');
    writeFileSync(file, stringify({ groups }));
    const read = await runTool('promtool', ['check', 'rules', '--lint=none', file]);
    if (!read.ok) return { ok: false, details: read.output.split('\n') };
    const cases = objectOf(parse(readFileSync(join(root, CASES), 'utf8')));
    const tests = join(folder, 'tests.yaml');
    writeFileSync(tests, stringify({ ...cases, rule_files: [file] }));
    const { ok, output } = await runTool('promtool', ['test', 'rules', tests]);
    const note = `${rules} queries, ${listOf(cases.tests).length} cases`;
    return { ok, note, details: ok ? [] : output.split('\n') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As groups of rules; the queries of an analysis become rules, named `check:<template>_<metric>`. */
export function groupsOf({ kind, name, spec }: Document): unknown[] {
  if (kind === 'PrometheusRule') return [...listOf(spec.groups)];
  const rules = listOf(spec.metrics).flatMap((metric) => {
    const query = textOf(objectOf(objectOf(objectOf(metric).provider).prometheus).query);
    const record = `check:${name}_${textOf(objectOf(metric).name)}`.replaceAll('-', '_');
    return query === ''
      ? []
      : [
          {
            record,
            expr: query.replaceAll(/\{\{args\.([\w-]+)\}\}/g, (_, arg) => (arg === 'service' ? SERVICE : arg)),
          },
        ];
  });
  return rules.length === 0 ? [] : [{ name: `analysis-${name}`, rules }];
}
