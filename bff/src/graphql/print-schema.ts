// Writes bff/schema.graphql: `node bff/src/graphql/print-schema.ts`. A test compares the two.
import { writeFileSync } from 'node:fs';
import { printedSchema } from './schema.ts';

writeFileSync(new URL('../../schema.graphql', import.meta.url), printedSchema());
