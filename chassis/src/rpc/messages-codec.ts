// Messages to bytes and back for @grpc/grpc-js, made once for each message type.
import { create, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';

export interface MessageCodec {
  /** Accepts initialisers as well as messages. */
  encode(message: object): Buffer;
  decode(bytes: Uint8Array): Message;
}

/** Largest message either side accepts: gRPC's default. Larger answers are to be paged, not allowed. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

const known = new WeakMap<DescMessage, MessageCodec>();

export function messageCodec(schema: DescMessage): MessageCodec {
  let codec = known.get(schema);
  if (codec === undefined) {
    codec = createCodec(schema);
    known.set(schema, codec);
  }
  return codec;
}

function createCodec(schema: DescMessage): MessageCodec {
  return {
    encode(message) {
      const whole =
        (message as Message).$typeName === undefined
          ? create(schema, message as Record<string, unknown>)
          : (message as Message);
      const bytes = toBinary(schema, whole);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    // Without the detour over Uint8Array, fields of type bytes would be Buffers here and Uint8Arrays in process.
    decode: (bytes) => fromBinary(schema, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
  };
}
