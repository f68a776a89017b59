/** A shop that serves, in one process or in many. */
export interface RunningShop {
  /** Where the BFF listens. */
  readonly port: number;
  /** gRPC address of a service. */
  readonly addressOf: (service: string) => string;
  /** Ports of health and metrics, by process. */
  readonly adminPorts: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}
