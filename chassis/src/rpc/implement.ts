// Binds a contract's service to the functions that implement it.
import type { DescService } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';

export interface RpcService {
  readonly service: DescService;
  readonly implementation: ServiceImpl<DescService>;
  /**
   * The stoa service it belongs to. Needed only where several owners in one process serve the same contract
   * (EventLogService); the host fills it in.
   */
  readonly owner?: string;
}

/** Handlers are connect-es handlers: `(request, context) => response`, errors are `ConnectError`s. */
export function implement<S extends DescService>(service: S, implementation: ServiceImpl<S>): RpcService {
  return { service, implementation: implementation as ServiceImpl<DescService> };
}
