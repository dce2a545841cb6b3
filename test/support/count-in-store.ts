/** Increments a counter in a file store a given number of times, while other processes increment the same counter. */
import { fileCursorStore } from '../../src/stores/file/file-cursor-store.ts';

const [directory = '', times = '0'] = process.argv.slice(2);
const store = fileCursorStore(directory);

for (let increments = 0; increments < Number(times); ) {
  const value = (await store.get('counter')) ?? null;
  if (await store.compareAndSet('counter', value, String(Number(value) + 1))) increments++;
}
