// The contracts as they would be after an edit of a .proto file: descriptors rebuilt with one method's options changed.
import {
  clone,
  create,
  createFileRegistry,
  type DescFile,
  getExtension,
  type MessageInitShape,
  setExtension,
} from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MethodOptions_IdempotencyLevel as Level,
  type MethodDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { type MethodPolicySchema, method as policyOption } from '@stoa/proto/stoa/policy/v1/policy_pb';
import { type Contracts, contractsOf } from '../../../scripts/generate/contracts.ts';

/** Applies `edit` to the method of this path in a copy of the contracts. */
export function changed(contracts: Contracts, path: string, edit: (method: MethodDescriptorProto) => void): Contracts {
  const files = new Map<string, DescFile>();
  for (const { file } of [...contracts.services, ...contracts.messages]) collect(file, files);
  const protos = [...files.values()].map(({ proto }) => clone(FileDescriptorProtoSchema, proto));
  const found = protos.flatMap(({ package: name, service }) =>
    service.flatMap((each) => each.method.filter((method) => `/${name}.${each.name}/${method.name}` === path)),
  );
  if (found[0] === undefined) throw new Error(`no method ${path}`);
  edit(found[0]);
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: protos }));
  return contractsOf([...registry.files].filter(({ proto }) => proto.package.startsWith('stoa.')));
}

function collect(file: DescFile, files: Map<string, DescFile>): void {
  for (const dependency of file.dependencies) collect(dependency, files);
  files.set(file.name, file);
}

export function withSideEffects(method: MethodDescriptorProto): void {
  if (method.options !== undefined) method.options.idempotencyLevel = Level.IDEMPOTENCY_UNKNOWN;
}

export function withPolicy(change: MessageInitShape<typeof MethodPolicySchema>) {
  return (method: MethodDescriptorProto): void => {
    if (method.options === undefined) throw new Error('a method has options');
    const policy = getExtension(method.options, policyOption);
    setExtension(method.options, policyOption, Object.assign(policy, change));
  };
}
