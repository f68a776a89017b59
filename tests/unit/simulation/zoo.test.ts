// A planted bug is a text that is replaced: when its source changes, this fails at once, and not after minutes of worlds.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../../scripts/checks/run-tool.ts';
import { BUGS } from '../../simulation/zoo/bugs.ts';

const texts = BUGS.flatMap(({ name, file, find, also }) =>
  [find, ...(also === undefined ? [] : [also.find])].map((text) => [name, file, text] as const),
);

it.for(texts)('the text that %s changes occurs once in %s', ([, file, text]) => {
  expect(readFileSync(join(root, file), 'utf8').split(text).length - 1).toBe(1);
});
