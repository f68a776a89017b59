// Metrics: those that queries ask for are exported, and Prometheus keeps their labels as they are.
import { type Finding, isTestCode, lineAt, type Repository } from './repository.ts';

/** Names that prom-client gives to what it measures of the process itself. */
const PROCESS_METRIC = /^(nodejs|process)_/;

/** An alert on a metric that nothing exports never fires, and looks like good news. */
export function alertedMetrics({ texts, sources }: Repository): Finding[] {
  const code = sources.filter(({ path }) => !path.includes('/tests/')).map(({ text }) => text);
  return [...texts]
    .filter(([path, text]) => path.startsWith('mesh/') && /kind: (PrometheusRule|AnalysisTemplate)/.test(text))
    .flatMap(([path, text]) => {
      const names = new Set([...text.matchAll(/\bstoa_(\w+)/g)].map(([, name]) => name as string));
      return [...names]
        .map((name) => name.replace(/_(bucket|count|sum)$/, ''))
        .filter((name) => !PROCESS_METRIC.test(name) && !code.some((source) => source.includes(`'${name}'`)))
        .map((name) => ({ path, message: `a query for stoa_${name}, which nothing exports` }));
    });
}

/** Of the scraped target: Prometheus writes them over a metric's own, which become `exported_job` and so on. */
const TARGET_LABELS = ['job', 'instance', 'pod', 'namespace', 'container', 'endpoint'];
const RECORDED = /\.(?:count|observe|gauge|histogram)\(\s*'/g;
const NAMED_LABEL = new RegExp(`[{,[]\\s*['"]?(${TARGET_LABELS.join('|')})['"]?\\s*[:,}\\]]`, 'g');

/** A query that groups by such a label groups by where a process runs. */
export function overwrittenLabels({ sources }: Repository): Finding[] {
  return sources
    .filter(({ path }) => !isTestCode(path))
    .flatMap(({ path, text, scan }) =>
      [...scan.code.matchAll(RECORDED)].flatMap(({ index }) => {
        const call = text.slice(index, endOfCall(scan.code, index));
        return [...call.matchAll(NAMED_LABEL)].map((found) => ({
          path,
          line: lineAt(text, index + found.index),
          message: `a metric with the label ${found[1]}, which Prometheus overwrites`,
        }));
      }),
    );
}

/** Behind the parenthesis that closes the first one from there. */
function endOfCall(code: string, from: number): number {
  let depth = 0;
  for (let at = code.indexOf('(', from); at < code.length; at++) {
    if (code[at] === '(') depth++;
    if (code[at] === ')' && --depth === 0) return at + 1;
  }
  return code.length;
}
