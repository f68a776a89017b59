// The standard gRPC reflection service (v1), so that grpcurl and the like work without the .proto files. It answers
// from the descriptors in the generated code.
import { type DescFile, type DescMessage, type DescService, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponseSchema,
} from '@stoa/proto/grpc/reflection/v1/reflection_pb';
import { implement, type RpcService } from './implement.ts';

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>;

interface Index {
  readonly files: ReadonlyMap<string, DescFile>;
  readonly symbols: ReadonlyMap<string, DescFile>;
  /** Extended type, then field number. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, DescFile>>;
}

export function reflectionService(services: readonly DescService[]): RpcService {
  const names = [...new Set([...services, ServerReflection].map((service) => service.typeName))].sort();
  const index = indexOf([...services, ServerReflection]);
  return implement(ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        const { host: validHost } = request;
        yield { validHost, originalRequest: request, messageResponse: answerOf(request, names, index) };
      }
    },
  });
}

function answerOf({ messageRequest }: ServerReflectionRequest, names: readonly string[], index: Index): Answer {
  switch (messageRequest.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: names.map((name) => ({ name })) } };
    case 'fileByFilename':
      return filesOf(index.files.get(messageRequest.value));
    case 'fileContainingSymbol':
      return filesOf(index.symbols.get(messageRequest.value));
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = messageRequest.value;
      return filesOf(index.extensions.get(containingType)?.get(extensionNumber));
    }
    case 'allExtensionNumbersOfType': {
      const baseTypeName = messageRequest.value;
      const found = index.extensions.get(baseTypeName);
      if (found === undefined && !index.symbols.has(baseTypeName)) return notFound();
      const extensionNumber = [...(found?.keys() ?? [])];
      return { case: 'allExtensionNumbersResponse', value: { baseTypeName, extensionNumber } };
    }
    default:
      return refused(Code.InvalidArgument, 'an empty request');
  }
}

/** A file and all it imports, so that the client needs no second question. */
function filesOf(file: DescFile | undefined): Answer {
  if (file === undefined) return notFound();
  const fileDescriptorProto = [...withImports(file)].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function notFound(): Answer {
  return refused(Code.NotFound, 'not found');
}

function refused(errorCode: Code, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}

function withImports(file: DescFile, seen = new Set<DescFile>()): Set<DescFile> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const imported of file.dependencies) withImports(imported, seen);
  return seen;
}

function indexOf(services: readonly DescService[]): Index {
  const all = new Set<DescFile>();
  for (const { file } of services) withImports(file, all);
  const symbols = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescFile>>();
  for (const file of all) {
    for (const name of symbolsOf(file)) symbols.set(name, file);
    for (const { extendee, number } of file.extensions) {
      const known = extensions.get(extendee.typeName) ?? new Map<number, DescFile>();
      extensions.set(extendee.typeName, known.set(number, file));
    }
  }
  return { files: new Map([...all].map((file) => [file.proto.name, file])), symbols, extensions };
}

function* symbolsOf(file: DescFile): Generator<string> {
  for (const message of file.messages) yield* symbolsIn(message);
  for (const { typeName } of file.enums) yield typeName;
  for (const { typeName } of file.extensions) yield typeName;
  for (const service of file.services) {
    yield service.typeName;
    for (const method of service.methods) yield `${service.typeName}.${method.name}`;
  }
}

function* symbolsIn(message: DescMessage): Generator<string> {
  yield message.typeName;
  for (const field of message.fields) yield `${message.typeName}.${field.name}`;
  for (const nested of message.nestedMessages) yield* symbolsIn(nested);
  for (const { typeName } of message.nestedEnums) yield typeName;
}
