import type { AuditEvent } from '../audit-log/event.ts';
import { PlanetScaleAuditClient } from '../client/client.ts';
import { printable } from '../internal/printable.ts';
import type { Command } from './command.ts';
import { parseFlags } from './flags.ts';
import { sayFromLibrary, writeOutput } from './output.ts';
import { ProgressLine } from './progress-line.ts';
import { exitStatus } from './status.ts';

export const check: Command = {
  summary: 'Find out whether the credentials can read the audit log.',
  help: `Usage: planetscale-audit check [--env-file FILE]

Finds out whether the credentials can read the audit log, and if not, why and
what to do. Then shows the newest and the oldest event that PlanetScale still
has. The oldest one takes a request for every 100 events.

  --env-file FILE   read the environment variables from a file

Status: 0, or 4 if PlanetScale refuses access.

Example: planetscale-audit check --env-file acme.env
`,
  async run(args) {
    parseFlags(args, {});
    const client = PlanetScaleAuditClient.fromEnv();
    return report(client);
  },
};

const report = async (client: PlanetScaleAuditClient): Promise<number> => {
  await writeLine('organization', client.organization);
  const access = await client.verifyAccess();
  if (!access.ok) {
    await writeLine('access', `no (${access.reason})`);
    sayFromLibrary(access.message);
    return access.reason === 'unreachable' ? exitStatus.failure : exitStatus.accessRefused;
  }
  await writeLine('access', 'yes');
  await reportRange(client);
  return exitStatus.ok;
};

const reportRange = async (client: PlanetScaleAuditClient): Promise<void> => {
  const progress = new ProgressLine();
  let count = 0;
  let oldest: AuditEvent | undefined;
  for await (const { events } of client.pages({ prefetch: true })) {
    if (count === 0) await writeLine('newest event', describe(events[0]));
    count += events.length;
    oldest = events.at(-1) ?? oldest;
    progress.show(`${count.toLocaleString('en')} events, back to ${oldest?.created_at}`);
  }
  progress.clear();
  await writeLine('oldest event', describe(oldest));
  await writeLine('events', count.toLocaleString('en'));
};

const describe = (event: AuditEvent | undefined): string =>
  event === undefined ? 'none' : `${event.created_at} ${event.audit_action}`;

const writeLine = (name: string, value: string): Promise<void> =>
  writeOutput(`${name.padEnd(14)}${printable(value)}\n`);
