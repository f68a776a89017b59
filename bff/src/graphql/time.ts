// Points in time between protobuf and GraphQL.
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';

/** The date of a timestamp, or null when there is none. */
export function toDate(timestamp: Timestamp | undefined): Date | null {
  return timestamp === undefined ? null : timestampDate(timestamp);
}
