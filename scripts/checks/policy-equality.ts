// The mesh's policy as its manifests say it, read back from the generated YAML, against what the chassis enforces at run
// time (`methodPolicy`). Both come from the contract; this is the proof that nothing was lost or added on the way.
import { MethodOptions_IdempotencyLevel as Level } from '@bufbuild/protobuf/wkt';
import type { AnyService } from '@stoa/chassis/host/build-service';
import { serviceNameOf } from '@stoa/chassis/rpc/clients';
import { methodPolicy } from '@stoa/chassis/rpc/policy';
import type { Contracts } from '../generate/contracts.ts';
import type { PolicyRow } from '../generate/policy-table.ts';
import { OPERATOR } from '../generate/settings.ts';
import { type Document, listOf, objectOf, textOf } from './documents.ts';

type Row = Omit<PolicyRow, 'timeoutMs'> & { readonly timeoutMs: number | undefined };

/** What the chassis enforces, for each method of each service that serves it. */
export function runtimeTable({ services }: Contracts, definitions: readonly AnyService[]): PolicyRow[] {
  const everybody = [...definitions.map(({ name }) => name), OPERATOR].sort();
  return definitions.flatMap(({ name, publishes = [] }) => {
    const served = services.filter((service) => {
      const owner = serviceNameOf(service);
      return owner === name || (owner === 'chassis' && publishes.length > 0);
    });
    return served
      .flatMap(({ methods }) => methods)
      .map((method) => {
        const { path, callers, deadlineMs = 0, repeatable } = methodPolicy(method);
        return {
          workload: name,
          method: path,
          callers: callers.has('*') ? everybody : [...callers].sort(),
          timeoutMs: deadlineMs,
          // The mesh repeats less than the chassis may, and never what the chassis may not.
          retried: repeatable && method.idempotency === Level.NO_SIDE_EFFECTS,
        };
      });
  });
}

/** What the manifests say. A method that nobody may call needs no entry and has none. */
export function manifestTable(documents: readonly Document[]): Row[] {
  const rows = new Map<string, Row>();
  const change = (workload: string, method: string, part: Partial<Row>) => {
    const key = `${workload} ${method}`;
    const row = rows.get(key) ?? { workload, method, callers: [], timeoutMs: undefined, retried: false };
    // Every route that matches lets its own callers in.
    const callers = [...new Set([...row.callers, ...(part.callers ?? [])])].sort();
    rows.set(key, { ...row, ...part, callers });
  };
  for (const route of documents.filter(({ kind }) => kind === 'GRPCRoute' || kind === 'HTTPRoute')) {
    for (const parent of listOf(route.spec.parentRefs).map(objectOf)) {
      const name = textOf(parent.name);
      if (parent.kind === 'Server' && name.endsWith('-grpc')) {
        const callers = callersOf(route, documents);
        for (const method of methodsOf(route)) change(name.slice(0, -'-grpc'.length), method, { callers });
      }
      if (parent.kind === 'Service' && route.kind === 'GRPCRoute') {
        const retried = Object.keys(route.annotations).some((key) => key.startsWith('retry.linkerd.io/'));
        const timeoutMs = milliseconds(route.annotations['timeout.linkerd.io/request']);
        for (const method of methodsOf(route)) change(name, method, { timeoutMs, retried });
      }
    }
  }
  return [...rows.values()];
}

function callersOf(route: Document, documents: readonly Document[]): string[] {
  const policies = documents.filter(({ kind, spec }) => {
    const target = objectOf(spec.targetRef);
    return kind === 'AuthorizationPolicy' && target.kind === route.kind && target.name === route.name;
  });
  const required = policies.flatMap(({ spec }) => listOf(spec.requiredAuthenticationRefs).map(objectOf));
  const identities = required.flatMap((ref) => {
    const found = documents.find(({ kind, name }) => kind === ref.kind && name === ref.name);
    return listOf(found?.spec.identityRefs).map((identity) => textOf(objectOf(identity).name));
  });
  return identities;
}

function methodsOf({ kind, spec }: Document): string[] {
  const matches = listOf(spec.rules).flatMap((rule) => listOf(objectOf(rule).matches).map(objectOf));
  return matches.map((match) => {
    if (kind === 'HTTPRoute') return textOf(objectOf(match.path).value);
    const { service, method } = objectOf(match.method);
    return `/${textOf(service)}/${textOf(method)}`;
  });
}

function milliseconds(duration: string | undefined): number | undefined {
  const [, count, unit] = /^(\d+)(ms|s)$/.exec(duration ?? '') ?? [];
  return count === undefined ? undefined : Number(count) * (unit === 's' ? 1000 : 1);
}

/** One sentence for each difference. */
export function differencesOf(runtime: readonly PolicyRow[], manifests: readonly Row[]): string[] {
  const key = (row: Row) => `${row.workload} ${row.method}`;
  const enforced = new Map(manifests.map((row) => [key(row), row]));
  const found = runtime.flatMap((row) => {
    const other = enforced.get(key(row));
    if (other === undefined) return row.callers.length === 0 ? [] : [`${key(row)}: the mesh does not know it`];
    return [
      ...differ(row, 'callers', row.callers.join(','), other.callers.join(',')),
      ...differ(row, 'timeout', `${row.timeoutMs} ms`, `${other.timeoutMs} ms`),
      ...differ(row, 'retried', row.retried, other.retried),
    ];
  });
  const known = new Set(runtime.map(key));
  const extra = manifests
    .filter((row) => !known.has(key(row)))
    .map((row) => `${key(row)}: the chassis does not know it`);
  return [...found, ...extra];
}

function differ(row: Row, what: string, chassis: unknown, mesh: unknown): string[] {
  if (chassis === mesh) return [];
  return [`${row.workload} ${row.method}: ${what}: the chassis enforces ${chassis}, the mesh ${mesh}`];
}
