import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { PlanetScaleAuditClient } from '../client/client.ts';
import { missingEvents } from '../client/missing-events.ts';
import { errorMessage } from '../internal/foreign-error.ts';
import type { Command } from './command.ts';
import { parseChoice, parseFlags, UsageError } from './flags.ts';
import { createFormat, formatNames, showsColors } from './formats.ts';
import { say, writeOutput } from './output.ts';
import { exitStatus } from './status.ts';
import { parseRange } from './times.ts';

export const verify: Command = {
  summary: 'Print the events that your copy of the log does not have.',
  help: `Usage: planetscale-audit verify --ids FILE [FLAGS]

Compares what PlanetScale still lists with the ids of your copy, and prints the
events that the copy does not have, newest first. It cannot tell about events
that PlanetScale has dropped, and leaves out those of the last 10 minutes.

  --ids FILE       the ids of your copy, one on each line, or lines of ndjson,
                   raw, runreveal or ocsf, compressed if the name ends in .gz;
                   - reads standard input
  --since TIME     leave out events before a time (2026-11-01) or an age (7d)
  --until TIME     leave out events at or after it
  --format NAME    pretty, ndjson, raw, runreveal or ocsf; by default pretty on
                   a terminal, else ndjson
  --env-file FILE  read the environment variables from a file

Status: 0 nothing is missing, 3 printed events are missing, 1 failure, 2 wrong
usage, 4 access refused.

Example: planetscale-audit verify --ids audit.ndjson --since 7d
`,
  async run(args) {
    const flags = parseFlags(args, {
      format: { type: 'string' },
      ids: { type: 'string' },
      since: { type: 'string' },
      until: { type: 'string' },
    });
    if (flags.ids === undefined) throw new UsageError('--ids is missing. Name a file of ids, or - for standard input.');
    const format = parseChoice('--format', flags.format ?? (process.stdout.isTTY ? 'pretty' : 'ndjson'), formatNames);
    const range = parseRange(flags, Date.now());
    const client = PlanetScaleAuditClient.fromEnv();
    const formatEvent = createFormat(format, {
      organization: client.organization,
      colors: showsColors(process.stdout),
    });
    const stored = await readIds(flags.ids);

    let count = 0;
    for await (const event of missingEvents(client, range, (ids) => ids.filter((id) => stored.has(id)))) {
      await writeOutput(`${formatEvent(event)}\n`);
      count++;
    }
    say(`${count.toLocaleString('en')} of the events that PlanetScale lists are missing.`);
    return count === 0 ? exitStatus.ok : exitStatus.missingEvents;
  },
};

const readIds = async (path: string): Promise<ReadonlySet<string>> => {
  const ids = new Set<string>();
  let line = 0;
  for await (const text of createInterface({ input: await openInput(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    line++;
    const trimmed = text.replace(/^\uFEFF/, '').trim();
    if (trimmed === '') continue;
    const id = trimmed.startsWith('{') ? idInJson(trimmed) : plainId.exec(trimmed)?.[1];
    if (id === undefined) {
      throw new UsageError(
        `--ids: line ${line} of ${path} has no id of an event. Write an id on each line, or an event as ndjson, raw, runreveal or ocsf.`,
      );
    }
    ids.add(id);
  }
  return ids;
};

/** An id, as it is or in the quotes of CSV. */
const plainId = /^"?([\w-]{1,64})"?$/;

/** A file of `export` may be compressed. */
const openInput = async (path: string): Promise<Readable> => {
  if (path === '-') return process.stdin;
  try {
    const file = await open(path);
    if ((await file.stat()).isDirectory()) throw new Error('it is a directory');
    return path.endsWith('.gz') ? file.createReadStream().pipe(createGunzip()) : file.createReadStream();
  } catch (error) {
    throw new UsageError(`--ids: ${path} cannot be read (${errorMessage(error)}). Name a file of ids.`);
  }
};

/** Returns the id in a line of any format but pretty. The `id` of a row of RunReveal is another one. */
const idInJson = (text: string): string | undefined => {
  const { rawLog, eventID, class_uid, metadata, id } = Object(parseJson(text));
  if (typeof rawLog === 'string') return idInJson(rawLog);
  const found: unknown = class_uid === undefined ? (eventID ?? id) : Object(metadata).uid;
  return typeof found === 'string' && found !== '' ? found : undefined;
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
