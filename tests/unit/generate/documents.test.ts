// The reference documents: complete, and examples that fit their contracts.
import { createRegistry, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { SERVICES } from '@stoa/cli/services';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { artefacts } from '../../../scripts/generate/artefacts.ts';
import { type Contracts, loadContracts } from '../../../scripts/generate/contracts.ts';
import { type Model, readModel } from '../../../scripts/generate/model.ts';

interface AsyncApi {
  readonly channels: Readonly<Record<string, { readonly address: string }>>;
  readonly operations: Readonly<Record<string, { readonly action: string }>>;
  readonly components: {
    readonly messages: Readonly<Record<string, { readonly examples: readonly { readonly payload: JsonValue }[] }>>;
  };
}

let contracts: Contracts;
let model: Model;
let files: Map<string, string>;
beforeAll(async () => {
  contracts = await loadContracts();
  model = readModel(contracts, SERVICES);
  files = new Map(artefacts(model).map(({ path, text }) => [path, text]));
});

describe('asyncapi.yaml', () => {
  const read = () => parse(files.get('docs/generated/asyncapi.yaml') ?? '') as AsyncApi;

  it('has a channel for each topic, and who sends and receives on it', () => {
    const { channels, operations } = read();
    expect(Object.keys(channels)).toEqual(model.topics.map(({ name }) => name));
    expect(channels['orders.events']?.address).toBe('stoa.orders.events');
    expect(operations['orders.send.orders.events']?.action).toBe('send');
    expect(operations['notifications.receive.orders.events']?.action).toBe('receive');
  });

  it('gives each message an example that its contract reads', () => {
    const registry = createRegistry(...contracts.messages);
    const messages = Object.entries(read().components.messages);
    expect(messages.length).toBeGreaterThan(20);
    for (const [name, { examples }] of messages) {
      const schema = registry.getMessage(name);
      if (schema === undefined) throw new Error(`no message ${name}`);
      expect(fromJson(schema, examples[0]?.payload as JsonValue).$typeName).toBe(name);
    }
  });
});

describe('services.md and topology.md', () => {
  it('name every method, every topic and every service', () => {
    const catalogue = files.get('docs/generated/services.md') ?? '';
    const topology = files.get('docs/generated/topology.md') ?? '';
    for (const { name, methods, publishes } of model.services) {
      expect(catalogue).toContain(`\n## ${name}\n`);
      expect(topology).toContain(name);
      for (const { desc } of methods) expect(catalogue).toContain(`${desc.parent.name}/${desc.name}\``);
      for (const topic of publishes) expect(catalogue).toContain(`tells \`${topic}\``);
    }
  });
});
