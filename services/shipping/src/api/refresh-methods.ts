// The job behind the bound that ListMethods states: what it answers is at most one turn, 30 s, and one query old.
import type { ShippingContext } from '../context.ts';

export async function refreshMethods(context: ShippingContext): Promise<boolean> {
  await context.deps.methods.refresh();
  return false;
}
