#!/usr/bin/env node
import packageJson from 'planetscale-audit/package.json' with { type: 'json' };
import { errorMessage } from '../internal/foreign-error.ts';
import { check } from './check.ts';
import type { Command } from './command.ts';
import { exportCommand } from './export.ts';
import { hintFor, UsageError } from './flags.ts';
import { ignoreStreamErrors, isClosedPipe, say, sayFromLibrary, writeOutput } from './output.ts';
import { exitStatus, statusOf } from './status.ts';
import { tail } from './tail.ts';
import { verify } from './verify.ts';

const commands: Readonly<Record<string, Command>> = { check, tail, export: exportCommand, verify };

const help = `Reads PlanetScale's audit log.

Usage: planetscale-audit COMMAND [FLAGS]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(8)}${summary}`)
  .join('\n')}

The environment, or the file of --env-file, has the credentials:
  PLANETSCALE_ORG               the organization
  PLANETSCALE_SERVICE_TOKEN_ID  the id of a service token with read_audit_logs
  PLANETSCALE_SERVICE_TOKEN     the token
Each organization needs an environment of its own.

Status: 0 success, 1 failure, 2 wrong usage, 3 missing events, 4 access refused.

planetscale-audit COMMAND --help explains the flags of a command.
`;

async function run([name, ...args]: readonly string[]): Promise<number> {
  if (name === '--version') return print(`${packageJson.version}\n`);
  if (name === '--help' || name === '-h' || name === 'help') return print(help);
  const command = findCommand(name);
  if (args.includes('--help') || args.includes('-h')) return print(command.help);
  return command.run(args);
}

async function print(text: string): Promise<number> {
  await writeOutput(text);
  return exitStatus.ok;
}

function findCommand(name: string | undefined): Command {
  if (name === undefined) throw new UsageError(`Name a command: ${Object.keys(commands).join(', ')}.`);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command) return command;
  throw new UsageError(`There is no command ${JSON.stringify(name)}. ${hintFor(name, Object.keys(commands), 'Name')}`);
}

ignoreStreamErrors();
console.warn = sayFromLibrary; // The poller reports its notices there.
try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!isClosedPipe(error)) {
    sayFromLibrary(`planetscale-audit: ${errorMessage(error)}`);
    process.exitCode = statusOf(error);
    if (error instanceof UsageError) say('planetscale-audit --help explains the commands and their flags.');
  }
}
