import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { parseOptions, wholeNumberSchema } from '../../src/internal/option-schemas.ts';

const schema = z
  .strictObject({
    retries: z._default(wholeNumberSchema(0, 9), 4),
    context: z.optional(z.strictObject({ receivedAt: z.optional(z.date()) })),
  })
  .check(z.refine(({ retries }) => retries !== 7, { path: ['retries'], message: 'must not be 7' }));

describe('parseOptions', () => {
  test.each([
    [{ retrys: 1 }, 'f: retrys: did you mean retries?'],
    [{ context: { receivedat: 1 } }, 'f: context.receivedat: did you mean receivedAt?'],
    [{ context: { zone: 1 } }, 'f: context.zone: is no option (the options are receivedAt).'],
    [{ retries: 10, retrys: 1 }, 'f: retries: must be a whole number from 0 to 9; retrys: did you mean retries?'],
    [{ constructor: 1 }, 'f: constructor: is no option (the options are retries, context).'],
    [{ retries: 7 }, 'f: retries: must not be 7.'],
    [{ retries: null }, 'f: retries: must be a whole number from 0 to 9.'],
  ])('names what is wrong with %j', (options, message) => {
    expect(() => parseOptions(schema, options, 'f')).toThrow(expect.objectContaining({ message }));
  });

  test('gives an option the name under which the caller knows it', () => {
    expect(() => parseOptions(schema, { retries: -1 }, 'f', { retries: 'RETRIES' })).toThrow('f: RETRIES: must be');
  });

  test.each([
    ['undefined', { retries: undefined, retrys: undefined }],
    ['undefined, in an object of another realm', runInNewContext('({ retries: undefined, retrys: undefined })')],
    ['undefined, in an object without a prototype', Object.assign(Object.create(null), { retrys: undefined })],
  ])('takes an option that is %s for one that was left out', (_, options) => {
    expect(parseOptions(schema, options, 'f')).toEqual({ retries: 4 });
  });

  test('reads the getters and the inherited options of an instance', () => {
    class Options {
      get retries() {
        return 2;
      }
    }
    expect(parseOptions(schema, new Options(), 'f')).toEqual({ retries: 2 });
  });
});
