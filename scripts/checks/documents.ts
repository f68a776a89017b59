// Manifests as the checks see them: parsed YAML with the parts that rules look at pulled out, whatever the rest is.
import { parseAllDocuments } from 'yaml';

export type Json = Readonly<Record<string, unknown>>;

export interface Document {
  /** The file or rendering it comes from. */
  readonly source: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Json;
  readonly all: Json;
}

/** Every Kubernetes object of a stream; throws when the text is not YAML. */
export function documentsOf(source: string, text: string): Document[] {
  return [...parseAllDocuments(text)].flatMap((parsed) => {
    const [error] = parsed.errors;
    if (error !== undefined) throw new Error(`${source}: ${error.message}`);
    const all = objectOf(parsed.toJS());
    if (typeof all.kind !== 'string' || typeof all.apiVersion !== 'string') return [];
    const metadata = objectOf(all.metadata);
    return [
      {
        source,
        apiVersion: all.apiVersion,
        kind: all.kind,
        name: textOf(metadata.name),
        labels: objectOf(metadata.labels) as Record<string, string>,
        annotations: objectOf(metadata.annotations) as Record<string, string>,
        spec: objectOf(all.spec),
        all,
      },
    ];
  });
}

export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The pod template of a workload object; undefined for what makes no pods. */
export function podTemplateOf({ kind, spec, all }: Document): Json | undefined {
  if (kind === 'Pod') return all;
  if (kind === 'CronJob') return objectOf(objectOf(objectOf(spec.jobTemplate).spec).template);
  const makesPods = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'Rollout'].includes(kind);
  return makesPods && spec.template !== undefined ? objectOf(spec.template) : undefined;
}
