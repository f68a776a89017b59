// A neighbour of a service under test: the methods that the test is about, and nothing else.
import type { DescService } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { implement, type RpcService } from '../rpc/implement.ts';

/** The given methods of a contract; every other one answers Unimplemented, so that a test notices a call it forgot. */
export function fake<S extends DescService>(service: S, methods: Partial<ServiceImpl<S>>): RpcService {
  return implement(service, methods as ServiceImpl<S>);
}
