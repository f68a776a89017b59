// The few facts about the deployment that no contract can know. Everything else that the mesh, the broker and the
// reference documents need is read from the contracts and from the services' declarations.

/** Ports of every process, as chassis/host/host-config.ts has them by default. */
export const PORTS = {
  grpc: 50051,
  admin: 9090,
  nats: 4222,
  natsCluster: 6222,
  natsMonitor: 8222,
  postgres: 5432,
  /** The Kubernetes API: as Pods see its Service, and where it listens. */
  kubernetes: [443, 6443],
} as const;

/** Ports of a Linkerd 2.20 proxy: opaque connections arrive at the first, Prometheus reads the second. */
export const PROXY_PORTS = { inbound: 4143, admin: 4191 } as const;

/** Namespaces and names of what is not ours. */
export const PLATFORM = {
  meshNamespace: 'linkerd',
  /**
   * Who answers names. Ports are those of its pods (OpenShift's have 5353, in `openshift-dns`); a cache on each node has an
   * address instead of pods: `['169.254.20.10/32']`.
   */
  dns: { namespace: 'kube-system', ports: [53], networks: [] as readonly string[] },
  /** Prometheus must be meshed: it is let in by its identity. */
  prometheus: { namespace: 'monitoring', serviceAccount: 'prometheus-k8s' },
} as const;

/** Calls services, and is none: the operator's command, in a pod of its own: mesh/components/operator. */
export const OPERATOR = 'cli';

/** Runs the migrations with the owners' roles. */
export const MIGRATIONS = 'migrate';

/** Reads all databases and tells as metrics whether they agree: mesh/components/auditor. */
export const AUDITOR = 'auditor';

/** A step of a Rollout that tells a service's database of its canary: mesh/components/canary. */
export const CANARY_STEP = 'canary-step';

/** Tells those databases what Argo Rollouts made of their canaries: mesh/components/canary. */
export const CANARY_SETTLE = 'canary-settle';

/** Programs of ours that talk to PostgreSQL and to none of our services. */
export const DATABASE_COMMANDS = [AUDITOR, CANARY_SETTLE, CANARY_STEP, MIGRATIONS];

/** Those that ask the Kubernetes API. It has no address to be named here. */
export const KUBERNETES_CLIENTS: readonly string[] = [CANARY_SETTLE];

/** The namespace of everything of ours. */
export const NAMESPACE = 'stoa';

/** Percentages of calls and of aggregates at which a canary is looked at. */
export const CANARY_STEPS: readonly number[] = [5, 25, 50, 100];

/** The name that everything of the modular monolith (one Deployment) carries. */
export const MONOLITH = 'stoa';

/** Topics that a service with `live: true` listens to; its declaration says only that it does. */
export const LIVE_TOPICS: Readonly<Record<string, readonly string[]>> = { bff: ['orders.events'] };

/** Plain HTTP listeners, for those from outside: storefronts, and the payment provider's webhooks. Names are port names. */
export const HTTP_PORTS: Readonly<Record<string, { readonly name: string; readonly port: number }>> = {
  bff: { name: 'http', port: 4000 },
  payments: { name: 'webhooks', port: 4001 },
};

/** TCP ports outside the cluster that a service needs: the payment provider's API, mail submission. */
export const OUTSIDE_PORTS: Readonly<Record<string, readonly number[]>> = {
  payments: [443],
  notifications: [465, 587],
};

/**
 * A contract's rate limit counts each client; the mesh sees only the calling service, which speaks for many clients.
 * Its limit is a fuse therefore: so many clients of one calling service at their full rate, for each pod.
 */
export const CLIENTS_BEHIND_A_CALLER = 100;
