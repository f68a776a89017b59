// The contract is the policy: what an edit of a contract changes in the mesh's manifests and in the chassis' table.
import { MethodOptions_IdempotencyLevel as Level } from '@bufbuild/protobuf/wkt';
import { methodPolicy } from '@stoa/chassis/rpc/policy';
import { SERVICES } from '@stoa/cli/services';
import { beforeAll, describe, expect, it } from 'vitest';
import { documentsOf } from '../../../scripts/checks/documents.ts';
import { linkerdRules, staleFiles } from '../../../scripts/checks/mesh.ts';
import { differencesOf, manifestTable, runtimeTable } from '../../../scripts/checks/policy-equality.ts';
import { artefacts } from '../../../scripts/generate/artefacts.ts';
import { type Contracts, loadContracts } from '../../../scripts/generate/contracts.ts';
import { linkerdDuration } from '../../../scripts/generate/linkerd-outbound.ts';
import type { Artefact } from '../../../scripts/generate/manifests.ts';
import { readModel } from '../../../scripts/generate/model.ts';
import { changed, withPolicy, withSideEffects } from './changed-contracts.ts';

const GET_ORDER = '/stoa.orders.v1.OrdersService/GetOrder';
const PLACE_ORDER = '/stoa.orders.v1.OrdersService/PlaceOrder';

let contracts: Contracts;
beforeAll(async () => {
  contracts = await loadContracts();
});

const generate = (from: Contracts): Artefact[] => artefacts(readModel(from, SERVICES));
const separate = (all: readonly Artefact[]) =>
  all
    .filter(({ path }) => /^mesh\/generated\/[a-z]+\.yaml$/.test(path))
    .flatMap(({ path, text }) => documentsOf(path, text));
const rowOf = (from: Contracts, method: string) => {
  const row = manifestTable(separate(generate(from))).find((candidate) => candidate.method === method);
  if (row === undefined) throw new Error(`the mesh does not know ${method}`);
  return row;
};
const rulesOf = (from: Contracts, path: string) => {
  const method = from.services.flatMap(({ methods }) => methods).find((m) => methodPolicy(m).path === path);
  if (method === undefined) throw new Error(`no method ${path}`);
  return methodPolicy(method);
};

describe('the generated policy', () => {
  it('enforces what the chassis enforces, method by method', () => {
    const runtime = runtimeTable(contracts, SERVICES);
    expect(runtime.length).toBeGreaterThan(40);
    expect(differencesOf(runtime, manifestTable(separate(generate(contracts))))).toEqual([]);
  });

  it('is the same in every run', () => {
    expect(generate(contracts)).toEqual(generate(contracts));
  });

  it('has only durations, limits and conditions that Linkerd reads, and one kind of route for each port', () => {
    expect(linkerdRules(separate(generate(contracts)))).toEqual([]);
  });

  it('never repeats a method with side effects, whatever else it carries', () => {
    const retried = new Map(manifestTable(separate(generate(contracts))).map((row) => [row.method, row.retried]));
    for (const { desc, path } of readModel(contracts, SERVICES).services.flatMap(({ methods }) => methods)) {
      expect([path, retried.get(path)]).toEqual([path, desc.idempotency === Level.NO_SIDE_EFFECTS]);
    }
    expect(retried.get(PLACE_ORDER)).toBe(false);
  });

  it('denies on every Server, and only GRPCRoutes carry retries', () => {
    const documents = separate(generate(contracts));
    for (const { kind, name, spec, annotations } of documents) {
      if (kind === 'Server') expect([name, spec.accessPolicy]).toEqual([name, 'deny']);
      if (Object.keys(annotations).some((key) => key.startsWith('retry.'))) expect(kind).toBe('GRPCRoute');
    }
    // More would multiply the load of what is down, at every hop.
    const limits = documents.flatMap(({ annotations }) => annotations['retry.linkerd.io/limit'] ?? []);
    expect(new Set(limits)).toEqual(new Set(['1']));
  });
});

describe('an edit of a contract', () => {
  it('that marks a method as having side effects removes its retries from mesh and chassis', () => {
    const after = changed(contracts, GET_ORDER, withSideEffects);
    expect(rowOf(contracts, GET_ORDER).retried).toBe(true);
    expect(rowOf(after, GET_ORDER).retried).toBe(false);
    expect(rulesOf(contracts, GET_ORDER).repeatable).toBe(true);
    expect(rulesOf(after, GET_ORDER).repeatable).toBe(false);
    expect(differencesOf(runtimeTable(after, SERVICES), manifestTable(separate(generate(after))))).toEqual([]);
  });

  it('that adds a caller lets it in, in mesh, network and chassis, for that method alone', () => {
    const after = changed(contracts, GET_ORDER, withPolicy({ callers: ['bff', 'notifications'] }));
    expect(rowOf(after, GET_ORDER).callers).toEqual(['bff', 'notifications']);
    expect([...rulesOf(after, GET_ORDER).callers]).toEqual(['bff', 'notifications']);
    expect(rowOf(after, PLACE_ORDER).callers).toEqual(['bff']);
    const reached = (from: Contracts) => {
      const text = generate(from).find(({ path }) => path === 'mesh/generated/network/payments.yaml')?.text ?? '';
      return text.slice(text.indexOf('egress:')).includes('name: cart');
    };
    const read = changed(contracts, '/stoa.cart.v1.CartService/GetCart', withPolicy({ callers: ['bff', 'payments'] }));
    expect([reached(contracts), reached(read)]).toEqual([false, true]);
  });

  it('that changes a deadline changes the timeout', () => {
    const after = changed(contracts, GET_ORDER, withPolicy({ deadlineMs: 1500 }));
    expect(rowOf(after, GET_ORDER).timeoutMs).toBe(1500);
  });

  it('that names a caller which does not exist is refused', () => {
    const after = changed(contracts, GET_ORDER, withPolicy({ callers: ['bbf'] }));
    expect(() => generate(after)).toThrow(`${GET_ORDER} may be called by bbf, which does not exist`);
  });
});

describe('what is committed', () => {
  const read = (all: readonly Artefact[], edits: Readonly<Record<string, string>>) => (path: string) =>
    edits[path] ?? all.find((artefact) => artefact.path === path)?.text;

  it('passes as it is', () => {
    const all = generate(contracts);
    expect(
      staleFiles(
        all,
        read(all, {}),
        all.map(({ path }) => path),
      ),
    ).toEqual([]);
  });

  it('fails when it was edited by hand, or a file is left over', () => {
    const all = generate(contracts);
    const path = 'mesh/generated/orders.yaml';
    const text = all.find((artefact) => artefact.path === path)?.text.replace('request: 2s', 'request: 20s') ?? '';
    expect(staleFiles(all, read(all, { [path]: text }), [path, 'mesh/generated/old.yaml'])).toEqual([
      `${path} is not what the contracts say`,
      'mesh/generated/old.yaml is not generated from anything',
      'run: npm run generate',
    ]);
  });

  it('fails the comparison with the chassis when another route lets a caller in, wherever it stands', () => {
    const generated = generate(contracts).find(({ path }) => path === 'mesh/generated/orders.yaml')?.text ?? '';
    const second = documentsOf(
      'by hand',
      generated.replaceAll('orders-from-bff', 'opened').replaceAll('name: bff', 'name: cart'),
    ).filter(({ name }) => name === 'opened');
    expect(second.map(({ kind }) => kind).sort()).toEqual([
      'AuthorizationPolicy',
      'GRPCRoute',
      'MeshTLSAuthentication',
    ]);
    const documents = separate(generate(contracts));
    for (const all of [
      [...second, ...documents],
      [...documents, ...second],
    ]) {
      expect(differencesOf(runtimeTable(contracts, SERVICES), manifestTable(all))).toContain(
        `orders ${PLACE_ORDER}: callers: the chassis enforces bff, the mesh bff,cart`,
      );
    }
  });

  it('fails the comparison with the chassis when a caller was added by hand', () => {
    const documents = separate(generate(contracts)).map((document) =>
      document.kind === 'MeshTLSAuthentication' && document.name === 'orders-from-bff'
        ? { ...document, spec: { identityRefs: [{ name: 'bff' }, { name: 'cart' }] } }
        : document,
    );
    expect(differencesOf(runtimeTable(contracts, SERVICES), manifestTable(documents))).toContain(
      `orders ${PLACE_ORDER}: callers: the chassis enforces bff, the mesh bff,cart`,
    );
  });
});

describe('durations', () => {
  it('are whole numbers with a unit', () => {
    expect([linkerdDuration(2000), linkerdDuration(1500)]).toEqual(['2s', '1500ms']);
    expect(() => linkerdDuration(0.5)).toThrow('not a duration');
  });
});
