// Everything that is derived from the contracts besides code, as paths and texts. Pure: what is written and what the
// check compares are the same list.
import { asyncApi } from './asyncapi.ts';
import { canaryArtefacts } from './canary.ts';
import { serviceCatalogue } from './catalogue.ts';
import { brokerPolicy } from './linkerd-broker.ts';
import { inboundPolicy } from './linkerd-inbound.ts';
import { outboundRoutes } from './linkerd-outbound.ts';
import { type Artefact, dataFile, kustomization, manifestFile } from './manifests.ts';
import type { Model } from './model.ts';
import { natsUsers } from './nats.ts';
import { commonPolicy, workloadPolicy } from './network-policies.ts';
import { policyTable } from './policy-table.ts';
import { MONOLITH } from './settings.ts';
import { objectives } from './slo.ts';
import { topology } from './topology.ts';
import { monolith, separateWorkloads, type Workload } from './workload.ts';

/** Folders that hold nothing else: a file there that is not in the list is a leftover. */
export const GENERATED_FOLDERS = ['mesh/generated', 'docs/generated'];

export function artefacts(model: Model): Artefact[] {
  const separate = separateWorkloads(model);
  return [
    ...clusterPolicy('mesh/generated', separate, 'one Deployment for each service'),
    ...clusterPolicy(`mesh/generated/${MONOLITH}`, [monolith(model)], 'all services in one Deployment'),
    ...canaryArtefacts(separate),
    policyTable(separate),
    ...objectives(),
    asyncApi(model),
    serviceCatalogue(model),
    topology(model),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function clusterPolicy(folder: string, workloads: readonly Workload[], what: string): Artefact[] {
  return [
    ...workloads.map((workload) =>
      manifestFile(`${folder}/${workload.name}.yaml`, purpose(workload), [
        ...inboundPolicy(workload),
        ...outboundRoutes(workload),
      ]),
    ),
    manifestFile(`${folder}/nats.yaml`, 'Linkerd: who may reach the broker.', brokerPolicy(workloads)),
    natsUsers(folder, workloads),
    dataFile(`${folder}/nats/kustomization.yaml`, "The broker's users, to be mounted beside its configuration.", {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      configMapGenerator: [{ name: 'nats-users', files: ['users.conf'] }],
    }),
    kustomization(
      folder,
      `Linkerd's policy and routes: ${what}.`,
      [...workloads.map(({ name }) => `${name}.yaml`), 'nats.yaml'].sort(),
    ),
    ...workloads.map((workload) =>
      manifestFile(
        `${folder}/network/${workload.name}.yaml`,
        `Who may open connections to ${workload.name}, and to whom it may.`,
        workloadPolicy(workload, workloads),
      ),
    ),
    manifestFile(
      `${folder}/network/common.yaml`,
      'Nothing is open but what these files name.',
      commonPolicy(workloads),
    ),
    kustomization(
      `${folder}/network`,
      `NetworkPolicies: ${what}.`,
      [...workloads.map(({ name }) => `${name}.yaml`), 'common.yaml'].sort(),
    ),
  ];
}

function purpose({ name, methods }: Workload): string {
  const what = `Linkerd: who may call ${name}, how long a call may take, what may be repeated.`;
  if (!methods.some(({ rules }) => rules.rateLimit !== undefined)) return what;
  return `${what}
The rate limit is a fuse: the contract limits each client (the service enforces that), the mesh sees the calling service
alone. A Server of protocol gRPC ignores rate limits, so here the port is HTTP/2, which takes HTTPRoutes.`;
}
