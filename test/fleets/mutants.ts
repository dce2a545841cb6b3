// Mistakes that the trial must find: MUTANT=drops-batches npm run test:fleets has to fail.
interface Mutant {
  readonly file: string;
  readonly from: string | RegExp;
  readonly to: string;
}

const awaitedWrite = 'await deliver(organization, batch);';

const mutants: Readonly<Record<string, Mutant>> = {
  'drops-batches': { file: 'run.ts', from: awaitedWrite, to: `if (Math.random() < 0.8) ${awaitedWrite}` },
  'commits-first': {
    file: 'run.ts',
    from: awaitedWrite,
    to: 'setTimeout(() => void deliver(organization, batch).catch(() => {}), 500);',
  },
  'delivers-twice': { file: 'run.ts', from: awaitedWrite, to: `{ ${awaitedWrite} ${awaitedWrite} }` },
  'moves-back': {
    file: 'run.ts',
    from: /const store = (\w+\(\w+\));/,
    to: `const store = $1;
const first = new Map<string, string>();
const { compareAndSet } = store;
store.compareAndSet = async (key, expected, next) => {
  const isSaved = await compareAndSet.call(store, key, expected, next);
  if (isSaved && !first.has(key)) first.set(key, next);
  if (isSaved && Math.random() < 0.1) await store.set(key, first.get(key) ?? next);
  return isSaved;
};`,
  },
  'forgets-one': {
    file: 'organizations.ts',
    from: 'organizations = new Map(entries',
    to: 'organizations = new Map(entries.toSpliced(5, 1)',
  },
  'logs-tokens': {
    file: 'run.ts',
    from: awaitedWrite,
    to: `${awaitedWrite} console.log(credentials);`,
  },
  'escapes-nothing': { file: 'status-html.ts', from: /text\.replace\(.*?\);/, to: 'text;' },
};

/** @throws Error if there is no mutant of this name */
export function mutantOf(name: string | undefined): Mutant | undefined {
  if (name === undefined) return undefined;
  const mutant = mutants[name];
  if (!mutant) throw new Error(`There is no mutant ${name}. Choose one of ${Object.keys(mutants).join(', ')}.`);
  return mutant;
}
