#!/usr/bin/env node
// The `stoa` command: cli/src/main.ts under Node 24, installing first what is missing. The working directory
// stays the caller's.

import { runWithSetup } from '../../scripts/with-setup.mjs';

await runWithSetup('cli/src/main.ts', process.argv.slice(2));
