// Relay connections over the services' keyset pages. Forward only: the services page forward, and a storefront that
// keeps its cursors needs no more.
import { invalidArgument } from '@stoa/chassis/rpc/errors';
import type { PageInfo } from '@stoa/proto/stoa/common/v1/paging_pb';

/** The contract's bound on a page. */
const FIRST_MAX = 100;

export interface PageArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** The RPC's page request; refuses what its unsigned field could not even carry. */
export function pageRequest({ first, after }: PageArguments) {
  if (first != null && (first < 1 || first > FIRST_MAX)) {
    throw invalidArgument([{ field: 'first', description: `must be from 1 to ${FIRST_MAX}` }]);
  }
  return { first: first ?? 0, after: after ?? '' };
}

interface Page<Node> {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly info: PageInfo | undefined;
  readonly after: string | null | undefined;
}

/** The connection of a page; an empty cursor in the contract is an absent one here. */
export function toConnection<Node>({ edges, info, after }: Page<Node>) {
  return {
    edges: [...edges],
    pageInfo: {
      hasNextPage: info?.hasNextPage ?? false,
      // All a forward pager knows: somebody who came with a cursor came from a page before.
      hasPreviousPage: after != null && after !== '',
      startCursor: edges[0]?.cursor ?? null,
      endCursor: info?.endCursor || null,
    },
  };
}
