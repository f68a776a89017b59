// Plants a bug: changes one file's source while it is loaded. The file on disk stays as it is.
import { registerHooks } from 'node:module';
import type { Bug } from './bug.ts';

/** Call before anything of the product is imported. Fails the load when the text is not there exactly once. */
export function plant({ name, file, find, replace, also }: Bug): void {
  let isPlanted = false;
  const change = (source: string, edit: { readonly find: string; readonly replace: string }) => {
    const count = source.split(edit.find).length - 1;
    if (count !== 1) throw new Error(`bug ${name}: its text occurs ${count} times in ${file}, not once`);
    return source.replace(edit.find, () => edit.replace);
  };
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/${file}`)) return loaded;
      const changed = change(Buffer.from(loaded.source as Uint8Array | string).toString(), { find, replace });
      isPlanted = true;
      return { ...loaded, source: also === undefined ? changed : change(changed, also) };
    },
  });
  process.on('exit', (code) => {
    if (code === 0 && !isPlanted) process.exitCode = 3;
  });
}
