// The little of the Kubernetes API that a canary's settler asks: a Rollout's status, as the pod's own service account.
// The API's certificate is trusted by NODE_EXTRA_CA_CERTS (mesh/components/canary/settle.yaml).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RolloutStatus } from './settle.ts';

export interface KubernetesOptions {
  readonly url: string;
  /** Where the kubelet keeps `token` (it changes: read each time) and `namespace`. */
  readonly account: string;
}

export const IN_CLUSTER: KubernetesOptions = {
  url: 'https://kubernetes.default.svc',
  account: '/var/run/secrets/kubernetes.io/serviceaccount',
};

const TIMEOUT_MS = 5000;

/** Undefined when there is no such Rollout. */
export async function readRollout(
  name: string,
  { url, account }: KubernetesOptions = IN_CLUSTER,
): Promise<RolloutStatus | undefined> {
  const read = (file: string) => readFileSync(join(account, file), 'utf8').trim();
  const answer = await fetch(`${url}/apis/argoproj.io/v1alpha1/namespaces/${read('namespace')}/rollouts/${name}`, {
    headers: { authorization: `Bearer ${read('token')}`, accept: 'application/json' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`the Kubernetes API answers ${answer.status} for rollouts/${name}`);
  return ((await answer.json()) as { readonly status?: RolloutStatus }).status ?? {};
}
