import type { AuditEvent } from '../audit-log/event.ts';
import { PlanetScaleAuditClient } from '../client/client.ts';
import type { EventsQuery } from '../client/events-query.ts';
import { AuditApiError, AuditResponseError } from '../errors.ts';
import type { Command } from './command.ts';
import { parseChoice, parseFlags, rejectEmpty } from './flags.ts';
import { createFormat, type FormatEvent, formatNames, linesOf, showsColors } from './formats.ts';
import { say, writeOutput } from './output.ts';
import { PartialExport } from './partial-export.ts';
import { ProgressLine } from './progress-line.ts';
import { exitStatus } from './status.ts';
import { untilStopped } from './stop.ts';
import { parseRange } from './times.ts';

export const exportCommand: Command = {
  summary: 'Write the events of a range of time, newest first.',
  help: `Usage: planetscale-audit export [FLAGS]

Writes the events that PlanetScale still has, newest first, one on each line.

  --since TIME       leave out events before a time (2026-11-01) or an age (7d)
  --until TIME       leave out events at or after it
  --action NAME      write this action only; may be repeated
  --format NAME      pretty, ndjson, raw (as PlanetScale sent it), runreveal (a
                     row as JSON) or ocsf; by default pretty on a terminal, else
                     ndjson
  --out FILE         write to a new file; compressed if its name ends in .gz
  --env-file FILE    read the environment variables from a file

With --out, the events are in FILE.part until all are written. If the export
ends before, run the same command again: it continues where it was.

Status: 0 all written, 1 failure or stopped, 2 wrong usage, 4 access refused.

Example: planetscale-audit export --since 7d --format raw --out audit.ndjson.gz
`,
  async run(args) {
    const flags = parseFlags(args, {
      action: { type: 'string', multiple: true },
      format: { type: 'string' },
      out: { type: 'string' },
      since: { type: 'string' },
      until: { type: 'string' },
    });
    const { since, until, action: actions, out } = flags;
    rejectEmpty('--out', out);
    const isForReading = out === undefined && process.stdout.isTTY;
    const format = parseChoice('--format', flags.format ?? (isForReading ? 'pretty' : 'ndjson'), formatNames);
    const range = parseRange(flags, Date.now());
    const client = PlanetScaleAuditClient.fromEnv();
    const { organization } = client;
    const colors = out === undefined && showsColors(process.stdout);
    const formatEvent = createFormat(format, { organization, colors });

    if (out === undefined) {
      return untilStopped('stopping.', (signal) => writeAll(client, { ...range, actions }, formatEvent, signal));
    }
    const partial = await PartialExport.open(out, { organization, format, actions, since, until }, range);
    return untilStopped('stopping. Run the same command again to continue.', async (signal) => {
      try {
        return await fillFile(client, partial, formatEvent, signal);
      } finally {
        await partial.close();
      }
    });
  },
};

/** Resolves with whether the work came to its end before the user asked to stop. */
const finishes = async (signal: AbortSignal, work: () => Promise<void>): Promise<boolean> => {
  try {
    await work();
    return true;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return false;
    throw error;
  }
};

/** Writes everything to standard output. */
const writeAll = async (
  client: PlanetScaleAuditClient,
  query: EventsQuery,
  formatEvent: FormatEvent,
  signal: AbortSignal,
): Promise<number> => {
  const progress = new ProgressOfPages();
  const isWhole = await finishes(signal, async () => {
    for await (const { events } of client.pages({ ...query, prefetch: true, signal })) {
      await writeOutput(linesOf(events, formatEvent));
      if (!process.stdout.isTTY) progress.count(events); // A terminal shows the events themselves.
    }
  });
  progress.clear();
  return isWhole ? exitStatus.ok : stopped();
};

/** Writes what is missing into the file, and gives the file its name. */
const fillFile = async (
  client: PlanetScaleAuditClient,
  partial: PartialExport,
  formatEvent: FormatEvent,
  signal: AbortSignal,
): Promise<number> => {
  const progress = new ProgressOfPages();
  const { since, until, actions, cursor } = partial;
  const writePages = async (startingAfter: string | undefined): Promise<void> => {
    const query = { since, until, actions, startingAfter, prefetch: true, signal };
    for await (const { events, cursorEnd } of client.pages(query)) {
      const missing = events.filter(({ id }) => !partial.holds(id));
      await partial.append(linesOf(missing, formatEvent), missing, cursorEnd);
      progress.count(events);
    }
  };
  const isWhole = await finishes(signal, async () => {
    try {
      await writePages(cursor);
    } catch (error) {
      if (cursor === undefined || !(await isLostCursor(client, error, signal))) throw error;
      say('PlanetScale no longer has the event at which this export stopped. Reading from the newest event again.');
      await writePages(undefined);
    }
  });
  progress.clear();
  if (!isWhole) return stopped();
  await partial.finish();
  say(`Wrote ${partial.count.toLocaleString('en')} events to ${partial.path}.`);
  return exitStatus.ok;
};

/**
 * PlanetScale refuses the cursor of a deleted event, or answers it with other pages. It also gives 404 if it refuses access, and then
 * the cursor may still be good.
 */
const isLostCursor = async (client: PlanetScaleAuditClient, error: unknown, signal: AbortSignal): Promise<boolean> => {
  const isAnswer = error instanceof AuditApiError || error instanceof AuditResponseError;
  return isAnswer && !error.retryable && (await client.verifyAccess({ signal })).ok;
};

const stopped = (): number => {
  say('Stopped before all events were written.');
  return exitStatus.failure;
};

/** Shows how far an export is. */
class ProgressOfPages {
  readonly #line = new ProgressLine();
  readonly #startedMs = performance.now();
  #pages = 0;
  #events = 0;

  count(events: readonly AuditEvent[]): void {
    this.#pages++;
    this.#events += events.length;
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const perSecond = Math.round(this.#events / Math.max(seconds, 0.001)).toLocaleString('en');
    const total = `${this.#pages.toLocaleString('en')} pages, ${this.#events.toLocaleString('en')} events`;
    const reached = events.at(-1)?.created_at;
    this.#line.show(`${total}, ${perSecond} events/s${reached === undefined ? '' : `, back to ${reached}`}`);
  }

  clear(): void {
    this.#line.clear();
  }
}
