import type { CursorStore } from 'planetscale-audit';
import { decodeState } from '../../../src/poller/state.ts';
import type { RunRecord } from './observation.ts';
import type { TakeTurn } from './turn.ts';
import { key, type World } from './world.ts';

/** The shared store as one run sees it: each call takes a turn, and may meet a fault. */
export const faultyStore = (world: World, run: RunRecord, takeTurn: TakeTurn): CursorStore => {
  const { stored, oracle, schedule } = world;
  const save = (text: string): true => {
    oracle.observe({ type: 'save', run, text, state: decodeState(text) });
    stored.set(key, text);
    return true;
  };
  const failure = () => new Error('the store is away');
  return {
    get: () =>
      takeTurn({
        effect: () => {
          oracle.observe({ type: 'load', run });
          return stored.get(key);
        },
        failure,
      }),
    set: (_, text) => takeTurn({ effect: () => save(text), failure }),
    ...(schedule.comparesAndSets && {
      compareAndSet: (_: string, expected: string | null, text: string) =>
        takeTurn({
          effect: () => {
            world.finishLateCommit();
            return (stored.get(key) ?? null) === expected && save(text);
          },
          failure,
        }),
    }),
  };
};
