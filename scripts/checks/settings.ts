// The manifests' settings against what the processes really read, and their times against each other.
import type { Setting } from '@stoa/chassis/config';
import { type Document, listOf, objectOf, podTemplateOf, textOf } from './documents.ts';

export interface ReadSettings {
  /** Settings that every process reads. */
  readonly common: readonly Setting[];
  /** By service; the monolith reads all. */
  readonly own: ReadonlyMap<string, readonly Setting[]>;
}

/** A misspelt variable is no error to anybody: the default holds. */
export function unreadSettings(documents: readonly Document[], { common, own }: ReadSettings): string[] {
  const everything = [...common, ...[...own.values()].flat()];
  return documents
    .filter(
      ({ kind, all }) => kind === 'ConfigMap' && Object.keys(objectOf(all.data)).some((key) => /^[A-Z_]+$/.test(key)),
    )
    .flatMap(({ name, all }) => {
      const service = name.replace(/-[a-z0-9]{10}$/, '');
      const readable = service === 'stoa-common' ? common : (own.get(service) ?? everything);
      return Object.entries(objectOf(all.data)).flatMap(([key, value]) => {
        const setting = readable.find(({ env }) => env === key);
        if (setting === undefined) return [`ConfigMap/${service}: nobody reads ${key}`];
        if (setting.secret) return [`ConfigMap/${service}: ${key} is a secret`];
        return valueProblem(setting, textOf(value)).map((why) => `ConfigMap/${service}: ${key} ${why}`);
      });
    });
}

function valueProblem({ kind, min = -Infinity, max = Infinity }: Setting, value: string): string[] {
  if (kind === 'integer' && !(/^-?\d+$/.test(value) && Number(value) >= min && Number(value) <= max)) {
    return [`must be an integer from ${min} to ${max}`];
  }
  if (kind === 'boolean' && value !== 'true' && value !== 'false') return ['must be true or false'];
  return [];
}

/** Seconds that a process may take beyond its drain, before it ends itself (chassis/src/host/run-host.ts). */
const FORCED_END_SECONDS = 5;

/** A pod must be able to leave the balancers, drain and close before the kubelet kills it. */
export function graceProblems(documents: readonly Document[]): string[] {
  const common = documents.find(({ kind, name }) => kind === 'ConfigMap' && name.startsWith('stoa-common'));
  const drainSeconds = Number(objectOf(common?.all.data).STOA_DRAIN_MS) / 1000;
  return (
    documents
      // Of services alone: nobody calls the others. A Rollout takes its pods from a Deployment.
      .filter(({ kind }) => kind === 'Deployment')
      .flatMap((document) => {
        const spec = objectOf(podTemplateOf(document)?.spec);
        const container = objectOf(listOf(spec.containers)[0]);
        if (container.name !== 'service') return [];
        const pause = Number(objectOf(objectOf(objectOf(container.lifecycle).preStop).sleep).seconds);
        const needed = pause + drainSeconds + FORCED_END_SECONDS;
        const given = Number(spec.terminationGracePeriodSeconds);
        if (needed <= given) return [];
        return [
          `${document.kind}/${document.name}: needs ${needed} s to end (preStop, drain, exit) and is given ${given} s`,
        ];
      })
  );
}
