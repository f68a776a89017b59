// Canaries as generated from the contracts: both versions behind every route that is split, the same policy whatever the
// version, and a Rollout that tells the database before it moves a weight.
import { SERVICES } from '@stoa/cli/services';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Document, documentsOf, listOf, objectOf } from '../../../scripts/checks/documents.ts';
import { artefacts } from '../../../scripts/generate/artefacts.ts';
import { loadContracts } from '../../../scripts/generate/contracts.ts';
import { type Model, readModel } from '../../../scripts/generate/model.ts';
import { changed, withSideEffects } from './changed-contracts.ts';

let model: Model;
beforeAll(async () => {
  model = readModel(await loadContracts(), SERVICES);
});

const filesOf = (of: Model) => new Map(artefacts(of).map(({ path, text }) => [path, text]));
const read = (files: ReadonlyMap<string, string>, path: string) => documentsOf(path, files.get(path) ?? '');

/** Methods of a route, with the names of the Services behind them and the value of the pin, if it needs one. */
const entries = ({ spec }: Document) =>
  listOf(spec.rules)
    .map(objectOf)
    .flatMap(({ matches, backendRefs }) => {
      const backends = listOf(backendRefs).map((ref) => objectOf(ref).name);
      return listOf(matches).map((match) => {
        const { method, headers } = objectOf(match);
        const { service, method: name } = objectOf(method);
        return { method: `/${service}/${name}`, backends, pin: objectOf(listOf(headers)[0]).value };
      });
    });

/** The routes of a service's callers: as deployed without canaries, the patches that split them, and the pinned ones. */
function routesOf(files: ReadonlyMap<string, string>, service: string) {
  const outbound = (path: string) =>
    read(files, path).filter(
      ({ kind, spec }) => kind === 'GRPCRoute' && objectOf(listOf(spec.parentRefs)[0]).kind !== 'Server',
    );
  return {
    plain: outbound(`mesh/generated/${service}.yaml`),
    split: outbound(`mesh/generated/canary/${service}-split.yaml`),
    pinned: outbound(`mesh/generated/canary/${service}.yaml`),
  };
}

const services = () => model.services.filter(({ methods }) => methods.some(({ callers }) => callers.length > 0));

describe('routes', () => {
  it('split exactly the methods that the plain ones carry; the log stays with stable', () => {
    const files = filesOf(model);
    for (const { name } of services()) {
      const { plain, split } = routesOf(files, name);
      const methods = (routes: readonly Document[]) =>
        routes.map((route) => [route.name, entries(route).map((e) => e.method)]);
      expect(methods(split)).toEqual(methods(plain));
      for (const { method, backends } of split.flatMap(entries)) {
        const isLog = method.startsWith('/stoa.chassis.');
        expect([method, backends]).toEqual([method, isLog ? [`${name}-stable`] : [`${name}-stable`, `${name}-canary`]]);
      }
    }
  });

  it('pin every split method to the canary, with the deadline and the retries of the plain route', () => {
    const files = filesOf(model);
    for (const { name } of services()) {
      const { plain, pinned } = routesOf(files, name);
      const policy = new Map(plain.flatMap((r) => entries(r).map(({ method }) => [method, r.annotations] as const)));
      const pins = new Map<string, unknown[]>();
      for (const route of pinned) {
        for (const { method, backends, pin } of entries(route)) {
          expect([method, route.annotations, backends]).toEqual([method, policy.get(method), [`${name}-canary`]]);
          pins.set(method, [...(pins.get(method) ?? []), pin]);
        }
      }
      const wanted = [...policy.keys()].filter((method) => !method.startsWith('/stoa.chassis.'));
      expect([...pins.keys()].sort()).toEqual(wanted.sort());
      for (const values of pins.values()) expect(values).toEqual([name, 'always']);
    }
  });

  it('lose the retries everywhere when a method gets side effects', async () => {
    const path = '/stoa.orders.v1.OrdersService/GetOrder';
    const edited = readModel(changed(await loadContracts(), path, withSideEffects), SERVICES);
    const retried = (of: Model) => {
      const { plain, pinned } = routesOf(filesOf(of), 'orders');
      return [...plain, ...pinned]
        .filter((route) => entries(route).some(({ method }) => method === path))
        .map(({ annotations }) => 'retry.linkerd.io/grpc' in annotations);
    };
    expect(retried(model)).toEqual([true, true]);
    expect(retried(edited)).toEqual([false, false]);
  });
});

describe('a Rollout', () => {
  const stepsOf = (service: string) => {
    const found = read(filesOf(model), `mesh/generated/canary/${service}.yaml`).find(({ kind }) => kind === 'Rollout');
    const canary = objectOf(objectOf(found?.spec.strategy).canary);
    return listOf(canary.steps).map((step) => {
      const { setWeight, analysis } = objectOf(step);
      if (setWeight !== undefined) return setWeight;
      const { templates, args } = objectOf(analysis);
      const action = listOf(args)
        .map(objectOf)
        .find(({ name }) => name === 'action');
      return action?.value ?? listOf(templates).map((template) => objectOf(template).templateName);
    });
  };

  it('tells the database of each share before it moves the weight, and that it is stable at the end', () => {
    const gates = ['canary-calls', 'canary-orders'];
    const steps = [5, 25, 50, 100].flatMap((weight) => ['share', weight, gates]);
    expect(stepsOf('orders')).toEqual([...steps, 'promote']);
  });

  it('has nothing to tell where there is no database', () => {
    const gates = ['canary-requests', 'canary-checkout'];
    expect(stepsOf('bff')).toEqual([5, 25, 50, 100].flatMap((weight) => [weight, gates]));
  });
});
