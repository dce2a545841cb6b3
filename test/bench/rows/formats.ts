import type { AuditEvent } from 'planetscale-audit';
import { costOf, type Row, type Sample, type Setup } from '../row.ts';
import { pageSize, pageText, quietLog } from '../sample-log.ts';
import { readerOf } from './reading.ts';

const pages = 200;
const text = pageText(quietLog(3 * pageSize));

type Library = Awaited<ReturnType<Setup['library']>>;

/** Reads page after page, and formats each event once, as a user does. Only the formats count. */
const formatAll = async <Event>(
  read: () => Promise<readonly Event[]>,
  format: (event: Event) => unknown,
): Promise<Sample> => {
  let cpuUs = 0;
  for (let page = 0; page < pages; page++) {
    const events = await read();
    const cost = await costOf(events.length, () => {
      for (const event of events) format(event);
    });
    cpuUs += cost.cpuUs / pages;
  }
  return { cpuUs };
};

const formatRow = (
  name: string,
  work: string,
  target: number,
  formatOf: (library: Library) => (event: AuditEvent) => unknown,
): Row => ({
  name,
  rounds: 15,
  contenders: {
    'JSON.stringify': {
      kind: 'floor',
      prepare: async () => () => formatAll(async () => JSON.parse(text).data, JSON.stringify),
    },
    [name]: {
      kind: 'library',
      async prepare(setup) {
        const format = formatOf(await setup.library());
        const read = await readerOf(setup, text);
        return () => formatAll(async () => (await read()).events, format);
      },
    },
  },
  figures: [{ work, measure: 'cpuUs', of: name, to: 'JSON.stringify', target }],
});

export const formats: readonly Row[] = [
  formatRow(
    'row',
    'Row of an event',
    0.9,
    ({ toRunRevealRow }) =>
      (event) =>
        toRunRevealRow(event),
  ),
  formatRow(
    'json-each-row',
    'JSONEachRow line of an event',
    3,
    ({ toJsonEachRow }) =>
      (event) =>
        toJsonEachRow(event),
  ),
  formatRow(
    'ocsf',
    'OCSF text of an event',
    3,
    ({ toOcsf }) =>
      (event) =>
        JSON.stringify(toOcsf(event)),
  ),
  formatRow(
    'webhook',
    'Webhook text of an event',
    1.1,
    ({ toStructuredWebhook }) =>
      (event) =>
        JSON.stringify(toStructuredWebhook(event)),
  ),
];
