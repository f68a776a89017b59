// What an image contains, from this repository's own workspaces.
import { describe, expect, it } from 'vitest';
import { root } from '../../../scripts/checks/run-tool.ts';
import { closureOf, mainOf, workspacesOf } from '../../../scripts/image.ts';

const all = workspacesOf(root);
const folders = (...services: string[]) => closureOf(all, services).map(({ folder }) => folder);

describe('an image', () => {
  it('has the workspaces that its services need, and no others', () => {
    expect(folders('orders')).toEqual(['chassis', 'proto', 'services/orders']);
    expect(folders('orders', 'payments')).toEqual(['chassis', 'proto', 'services/orders', 'services/payments']);
    expect(folders('cli')).toHaveLength(all.size);
  });

  it('starts the service, or hosts several', () => {
    expect(mainOf(all, ['orders'])).toBe("import './services/orders/src/main.ts';\n");
    expect(mainOf(all, ['orders', 'payments'])).toContain('await runHost([orders, payments]);');
  });

  it('of a service that does not exist is refused', () => {
    expect(() => folders('order')).toThrow('there is no workspace @stoa/order');
    expect(() => mainOf(all, [])).toThrow('SERVICES is empty');
  });
});
