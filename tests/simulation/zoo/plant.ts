// Plants a bug: changes one file's source while it is loaded. The file on disk stays as it is.
import { registerHooks } from 'node:module';
import type { Bug } from './bugs.ts';

/** Call before anything of the product is imported. Fails the load when the text is not there exactly once. */
export function plant({ name, file, find, replace }: Bug): void {
  let isPlanted = false;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/${file}`)) return loaded;
      const source = Buffer.from(loaded.source as Uint8Array | string).toString();
      const count = source.split(find).length - 1;
      if (count !== 1) throw new Error(`bug ${name}: its text occurs ${count} times in ${file}, not once`);
      isPlanted = true;
      return { ...loaded, source: source.replace(find, () => replace) };
    },
  });
  process.on('exit', (code) => {
    if (code === 0 && !isPlanted) process.exitCode = 3;
  });
}
