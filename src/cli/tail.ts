import { homedir } from 'node:os';
import { join } from 'node:path';
import { PlanetScaleAuditClient } from '../client/client.ts';
import { type AuditPoller, poller } from '../poller/poller.ts';
import type { StartFrom } from '../poller/start-from.ts';
import { fileCursorStore } from '../stores/file/file-cursor-store.ts';
import type { Command } from './command.ts';
import { parseChoice, parseFlags, rejectEmpty, UsageError } from './flags.ts';
import { createFormat, type FormatEvent, formatNames, linesOf, showsColors } from './formats.ts';
import { parseListenAddress, serveHealth } from './health-server.ts';
import { say, writeOutput } from './output.ts';
import { exitStatus } from './status.ts';
import { untilStopped } from './stop.ts';
import { parseDurationMs, readTime, rejectFuture } from './times.ts';

export const tail: Command = {
  summary: 'Print new events as they happen, and remember the place.',
  help: `Usage: planetscale-audit tail [FLAGS]

Prints each new event on a line of its own, oldest first. The next call
continues after the last printed event.

  --format NAME       pretty, ndjson, raw (as PlanetScale sent it), runreveal (a
                      row as JSON) or ocsf; by default pretty on a terminal,
                      else ndjson
  --start WHERE       where the first call starts: oldest, now, newest:N
                      (newest:200 is the default), a time (2026-11-01) or an age
                      (24h), or resume to fail if the place is lost
  --action NAME       print this action only; may be repeated
  --interval TIME     time between two polls (60s)
  --once              end when all events are printed, for cron
  --state DIR         directory that keeps the place; by default
                      $XDG_STATE_HOME/planetscale-audit
  --listen HOST:PORT  serve /healthz, /readyz and /metrics over HTTP
  --env-file FILE     read the environment variables from a file

Status: 0 after Ctrl-C and after --once, 1 failure, 2 wrong usage, 4 access
refused.

Example: planetscale-audit tail --start oldest --format ndjson >> audit.ndjson
`,
  async run(args) {
    const flags = parseFlags(args, {
      action: { type: 'string', multiple: true },
      format: { type: 'string' },
      interval: { type: 'string', default: '60s' },
      listen: { type: 'string' },
      once: { type: 'boolean', default: false },
      start: { type: 'string' },
      state: { type: 'string' },
    });
    const { once, start, action: actions } = flags;
    rejectEmpty('--state', flags.state);
    const format = parseChoice('--format', flags.format ?? (process.stdout.isTTY ? 'pretty' : 'ndjson'), formatNames);
    const intervalMs = parseDurationMs('--interval', flags.interval);
    const startFrom = start === undefined ? undefined : parseStart(start);
    const address = flags.listen === undefined ? undefined : parseListenAddress(flags.listen);
    const directory = flags.state ?? defaultStateDirectory();
    const client = PlanetScaleAuditClient.fromEnv();
    const formatEvent = createFormat(format, {
      organization: client.organization,
      colors: showsColors(process.stdout),
    });
    const key = keyFor(client.organization, actions);
    const store = fileCursorStore(directory);

    return untilStopped('stopping after this batch.', async (signal) => {
      const events = poller(client, { store, key, startFrom, intervalMs, actions, drain: once, signal });
      const server = address && (await serveHealth(address, () => events.health()));
      if (server) say(`Serving ${server.url}healthz, /readyz and /metrics.`);
      say(`Reading the audit log of ${client.organization}. The place is kept in ${directory}.`);
      try {
        await printAll(events, formatEvent);
      } finally {
        await server?.close();
      }
      return exitStatus.ok;
    });
  },
};

/** The loop asks for the next batch, and so acknowledges this one, only once the system has taken all of it. */
const printAll = async (events: AuditPoller, formatEvent: FormatEvent): Promise<void> => {
  for await (const batch of events.batches()) await writeOutput(linesOf(batch, formatEvent));
};

/** Calls for different actions print different events, so that each set has a place of its own. */
const keyFor = (organization: string, actions: readonly string[] | undefined): string =>
  ['planetscale-audit', organization, ...[...new Set(actions)].sort()].join(':');

const parseStart = (text: string): StartFrom => {
  if (text === 'oldest' || text === 'now' || text === 'resume') return text;
  const [, count] = /^newest:(\d{1,9})$/.exec(text) ?? [];
  if (count !== undefined) return { newest: Number(count) };
  const since = readTime(text, Date.now());
  if (!since) {
    throw new UsageError(
      `--start cannot be ${JSON.stringify(text)}. Write oldest, now, resume, newest:200, a time such as 2026-11-01, or an age such as 24h.`,
    );
  }
  rejectFuture('--start', since, Date.now());
  return { since };
};

/** https://specifications.freedesktop.org/basedir-spec/latest/ */
const defaultStateDirectory = (): string =>
  join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'planetscale-audit');
