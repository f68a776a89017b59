// `stoa republish`: a topic's events once more.
import { EXIT, expectPositionals, readLine, readSeconds, readSequence, readWarrant } from '../operate/command-line.ts';
import { plural, print } from '../operate/output.ts';
import { withShopData } from '../operate/shop-data.ts';

export async function republish(args: readonly string[]): Promise<number> {
  const { values, positionals } = readLine(args, {
    from: { type: 'string', default: '1' },
    timeout: { type: 'string', default: '60s' },
  });
  const [topic = ''] = expectPositionals(positionals, 'TOPIC');
  const from = readSequence(values.from);
  const warrant = readWarrant(values);
  const seconds = readSeconds('--timeout', values.timeout);
  const operate = await import('../operate/republish.ts');
  return withShopData(process.env, async (data) => {
    const done = await operate.republish(data, topic, from, warrant, seconds);
    const count = done.to - done.from + 1n;
    print(values.json, done, () =>
      done.sent
        ? `${plural(count > 0n ? count : 0n, 'event')} of ${topic} sent again: ${done.from} to ${done.to}.\n`
        : `${topic} goes on from ${done.from}; not all is sent yet${data.running ? '' : ': it is when the shop runs'}.\n`,
    );
    return done.sent ? 0 : EXIT.waiting;
  });
}
