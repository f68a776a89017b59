// I13b: each command to inventory and shipping has exactly one answer. So it was handled once: handled twice it would
// have been answered twice, lost it would have no answer. (Payments may answer several commands by one event.)
import { collect, type Invariant } from '../invariant.ts';
import type { Look } from '../look.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';

interface Dialogue {
  readonly commands: string;
  readonly consumer: string;
  readonly answers: string;
  readonly database: string;
}

interface Command extends Keyed {
  readonly type: string;
  readonly order_id: string;
  readonly pub_seq: bigint | null;
}

interface Answer extends Keyed {
  readonly count: bigint;
}

const DIALOGUES: readonly Dialogue[] = [
  {
    commands: 'orders.inventory-commands',
    consumer: 'inventory.orders',
    answers: 'inventory.reservation-events',
    database: 'inventory',
  },
  {
    commands: 'orders.shipping-commands',
    consumer: 'shipping.orders',
    answers: 'shipping.events',
    database: 'shipping',
  },
];

/** Applied messages are deleted after seven days. */
const COMMANDS = (topic: string) => `
  select event_id as key, type, aggregate_id as order_id, pub_seq from outbox
  where topic = '${topic}' and created_at > now() - interval '6 days' order by event_id`;
const ANSWERS = (topic: string) => `
  select causation_id as key, count(*) from outbox
  where topic = '${topic}' and causation_id is not null group by causation_id order by causation_id`;

export const answeredOnce: Invariant = {
  id: 'I13b',
  title: 'each command is answered once',
  needs: ['orders', 'inventory', 'shipping'],
  async check(look) {
    const found = collect();
    let commands = 0;
    for (const dialogue of DIALOGUES) commands += await checkDialogue(look, dialogue, found);
    return found.outcome([commands, 'commands']);
  },
};

async function checkDialogue(look: Look, dialogue: Dialogue, found: ReturnType<typeof collect>): Promise<number> {
  const { consumer, database } = dialogue;
  const applied = look.watermark(consumer);
  let commands = 0;
  await mergeByKey<[Command, Answer]>(
    [batches(look.at('orders'), COMMANDS(dialogue.commands)), batches(look.at(database), ANSWERS(dialogue.answers))],
    (id, [command], [answer]) => {
      // An answer to a command that was deleted, or that is newer than our snapshot of orders.
      if (command === undefined) return;
      commands++;
      const isApplied = command.pub_seq !== null && command.pub_seq <= applied;
      const count = answer?.count ?? 0n;
      if (count === (isApplied ? 1n : 0n)) return;
      const name = command.type.slice(command.type.lastIndexOf('.') + 1);
      found.add({ key: `command ${id}`, text: `${name} of order ${command.order_id} has ${count} answers` });
    },
  );
  return commands;
}
