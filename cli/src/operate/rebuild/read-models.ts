// The read models that can be rebuilt.
import { availability } from './availability.ts';
import { ordersView } from './orders-view.ts';
import type { ReadModel } from './read-model.ts';

export const READ_MODELS: readonly ReadModel[] = [ordersView, availability];

export function readModelNamed(name: string): ReadModel {
  const found = READ_MODELS.find((model) => model.name === name);
  if (found !== undefined) return found;
  throw new Error(`there is no read model "${name}"; there are ${READ_MODELS.map((m) => m.name).join(', ')}`);
}
