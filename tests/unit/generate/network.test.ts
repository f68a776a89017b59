// NetworkPolicies are two-sided: what a pod may reach must let it in, and the other way round.

import { readFileSync } from 'node:fs';
import { SERVICES } from '@stoa/cli/services';
import { expect, it } from 'vitest';
import { type Document, documentsOf, listOf, objectOf } from '../../../scripts/checks/documents.ts';
import { artefacts } from '../../../scripts/generate/artefacts.ts';
import { loadContracts } from '../../../scripts/generate/contracts.ts';
import { readModel } from '../../../scripts/generate/model.ts';
import { DATABASE_COMMANDS, OPERATOR, PORTS } from '../../../scripts/generate/settings.ts';

const policies = artefacts(readModel(await loadContracts(), SERVICES))
  .filter(({ path }) => path.startsWith('mesh/generated/network/') && !path.endsWith('kustomization.yaml'))
  .flatMap(({ path, text }) => documentsOf(path, text));

/** Whom the rules of one direction name for a port. */
function peers(document: Document | undefined, direction: 'ingress' | 'egress', port: number): unknown[] {
  return listOf(document?.spec[direction])
    .map(objectOf)
    .filter(({ ports }) => listOf(ports).some((each) => objectOf(each).port === port))
    .flatMap((rule) => listOf(rule[direction === 'ingress' ? 'from' : 'to']))
    .map((peer) => objectOf(objectOf(objectOf(peer).podSelector).matchLabels)['app.kubernetes.io/name']);
}
const policyOf = (name: string) => policies.find((each) => each.name === name);

it.each([...DATABASE_COMMANDS, OPERATOR])('%s, which is given URLs of databases, reaches them', (name) => {
  expect(peers(policyOf(name), 'egress', PORTS.postgres)).toEqual(['postgres']);
  expect(peers(policyOf('postgres'), 'ingress', PORTS.postgres)).toContain(name);
});

it('CloudNativePG’s own pods reach each other, whichever of them carry our label', () => {
  const file = 'mesh/platform/postgres/network-policy.yaml';
  const [policy] = documentsOf(file, readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8'));
  const own = { matchExpressions: [{ key: 'cnpg.io/cluster', operator: 'Exists' }] };
  expect(policy?.spec.podSelector).toEqual(own);
  const rules = (direction: 'ingress' | 'egress') =>
    listOf(policy?.spec[direction])
      .map(objectOf)
      .filter((rule) =>
        listOf(rule[direction === 'ingress' ? 'from' : 'to']).some(
          (peer) => JSON.stringify(objectOf(peer).podSelector) === JSON.stringify(own),
        ),
      )
      .flatMap(({ ports }) => listOf(ports).map((each) => objectOf(each).port));
  expect([rules('ingress'), rules('egress')]).toEqual([
    [PORTS.postgres, 8000],
    [PORTS.postgres, 8000],
  ]);
});
