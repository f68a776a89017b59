import { readdirSync } from 'node:fs';
import { create, type DescFile } from '@bufbuild/protobuf';
import { MethodDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Health } from '@stoa/proto/grpc/health/v1/health_pb';
import { IdentityService } from '@stoa/proto/stoa/identity/v1/identity_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { Audience } from '@stoa/proto/stoa/policy/v1/policy_pb';
import { describe, expect, it } from 'vitest';
import { methodPolicy } from '../../src/rpc/policy.ts';

const GENERATED = new URL('../../../proto/gen/stoa/', import.meta.url);

async function stoaFiles(): Promise<DescFile[]> {
  const paths = readdirSync(GENERATED, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('_pb.ts'));
  const modules = await Promise.all(paths.map((path) => import(new URL(path, GENERATED).href)));
  return modules.flatMap((module) =>
    Object.entries(module)
      .filter(([name]) => name.startsWith('file_'))
      .map(([, file]) => file as DescFile),
  );
}

describe('the policy of a method', () => {
  it('is complete for every method of every stoa service', async () => {
    const methods = (await stoaFiles()).flatMap((file) => file.services.flatMap((service) => service.methods));
    expect(methods.length).toBeGreaterThan(20);
    for (const method of methods) expect(methodPolicy(method).deadlineMs, method.toString()).toBeGreaterThan(0);
  });

  it('says who may call, for whom, for how long', () => {
    expect(methodPolicy(OrdersService.method.getContacts)).toMatchObject({
      path: '/stoa.orders.v1.OrdersService/GetContacts',
      audience: Audience.INTERNAL,
      callers: new Set(['notifications']),
      deadlineMs: 3000,
      exempt: false,
    });
  });

  it('calls a method repeatable when it has no side effects, is idempotent, or carries an idempotency key', () => {
    expect(methodPolicy(OrdersService.method.getOrder).repeatable).toBe(true);
    expect(methodPolicy(OrdersService.method.cancelOrder).repeatable).toBe(true);
    expect(methodPolicy(OrdersService.method.placeOrder).repeatable).toBe(true);
    expect(methodPolicy(IdentityService.method.register).repeatable).toBe(false);
  });

  it('is missing loudly: a stoa method without one cannot be registered', () => {
    const proto = create(MethodDescriptorProtoSchema, { name: 'GetOrder' });
    const bare = { ...OrdersService.method.getOrder, proto };
    expect(() => methodPolicy(bare)).toThrow('/stoa.orders.v1.OrdersService/GetOrder has no (stoa.policy.v1.method)');
  });

  it("does not ask the gRPC project's services for one", () => {
    expect(methodPolicy(Health.method.check)).toMatchObject({ exempt: true, deadlineMs: 5000 });
    expect(methodPolicy(Health.method.watch)).toMatchObject({ exempt: true, deadlineMs: undefined });
  });
});
