// Does the work of one contender, one round for each message: `node --expose-gc contender-process.ts <row> <contender> <dist> <server>`.
import { pathToFileURL } from 'node:url';
import type { Setup } from './row.ts';
import { rows } from './rows/index.ts';

const [, , rowName, contenderName = '', dist = '', serverUrl = ''] = process.argv;

const setup: Setup = {
  library: () => import(pathToFileURL(`${dist}/index.js`).href),
  libraryForNode: () => import(pathToFileURL(`${dist}/node.js`).href),
  dist,
  serverUrl,
};

const contender = rows.find(({ name }) => name === rowName)?.contenders[contenderName];
const prepared = contender
  ? contender.prepare(setup)
  : Promise.reject(new Error(`The row ${rowName} has no contender ${contenderName}.`));
prepared.catch(() => {}); // The first round reports it.

process.on('disconnect', () => process.exit());
process.on('message', async () => {
  try {
    const doRound = await prepared;
    process.send?.({ sample: await doRound() });
  } catch (error) {
    process.send?.({ failure: error instanceof Error ? error.message : String(error) });
  }
});
