import { costOf, type Row } from '../row.ts';

export const importTime: Row = {
  name: 'import',
  rounds: 21,
  contenders: {
    'ky and zod': {
      kind: 'floor',
      freshProcess: true,
      prepare: async () => () =>
        costOf(1, async () => {
          await import('ky');
          await import('zod');
        }),
    },
    'planetscale-audit': {
      kind: 'library',
      freshProcess: true,
      prepare:
        async ({ library }) =>
        () =>
          costOf(1, library),
    },
  },
  figures: [{ work: 'Import the library', measure: 'cpuUs', of: 'planetscale-audit', to: 'ky and zod', target: 1.2 }],
};
