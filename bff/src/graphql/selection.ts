// What a request asks for below a field, so that what nobody will see need not be read.
import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from 'graphql/index.js';

/**
 * Whether a field of this name is selected anywhere below the resolved one. On the safe side: a field counts whatever
 * its type, its depth, and whether a directive may leave it out.
 */
export function mentions({ fieldNodes, fragments }: GraphQLResolveInfo, name: string): boolean {
  const seen = new Set<string>();
  const inSelections = (set: SelectionSetNode | undefined): boolean =>
    set?.selections.some((selection) => {
      if (selection.kind === Kind.FIELD) return selection.name.value === name || inSelections(selection.selectionSet);
      if (selection.kind === Kind.INLINE_FRAGMENT) return inSelections(selection.selectionSet);
      const spread = selection.name.value;
      if (seen.has(spread)) return false;
      seen.add(spread);
      return inSelections(fragments[spread]?.selectionSet);
    }) ?? false;
  return fieldNodes.some(({ selectionSet }) => inSelections(selectionSet));
}
