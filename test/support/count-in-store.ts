/** Adds so many ones to a counter in a file store, together with other processes that do the same. */
import { fileCursorStore } from '../../src/stores/file/file-cursor-store.ts';

const [directory = '', times = '0'] = process.argv.slice(2);
const store = fileCursorStore(directory);

for (let added = 0; added < Number(times); ) {
  const value = (await store.get('counter')) ?? null;
  if (await store.compareAndSet('counter', value, String(Number(value) + 1))) added++;
}
