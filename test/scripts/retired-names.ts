/**
 * Prints `file:line:name` for each name that the project has retired, with the name of today, and exits with status 1 if it finds any.
 *
 * `node test/scripts/retired-names.ts` checks all files that git tracks or would add. File names as arguments limit the check to those files.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const listUrl = new URL('retired-names.txt', import.meta.url);

/** The changelog describes renames, the list is made of these names, and the lock file has packages such as `acorn-walk`. */
const exempt = new Set(['CHANGELOG.md', 'package-lock.json', 'test/scripts/retired-names.txt']);

const nameOfToday = new Map<string, string>();
for (const line of readFileSync(listUrl, 'utf8').split(/\r?\n/)) {
  const [retired, today] = line.split(' → ');
  if (retired && today && !line.startsWith('#')) nameOfToday.set(retired, today);
}

/** `most*` stands for all names in which a capital letter follows the prefix. */
const patternOf = (name: string): string => {
  if (name.endsWith('*')) return `(?<![\\w-])${name.slice(0, -1)}[A-Z]\\w*`;
  const literal = name.replace(/[.()]/g, '\\$&');
  return `${/^\w/.test(name) ? '(?<![\\w-])' : ''}${literal}${/\w$/.test(name) ? '(?![\\w-])' : ''}`;
};
const retiredName = new RegExp([...nameOfToday.keys()].map(patternOf).join('|'), 'g');

const prefixOfToday = (name: string): string | undefined => nameOfToday.get(`${name.replace(/[A-Z].*/, '')}*`);

const filesOfRepository = (): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
  })
    .split('\0')
    .filter((file) => !exempt.has(file) && statSync(file, { throwIfNoEntry: false })?.isFile());

const [, , ...chosen] = process.argv;
for (const file of chosen.length > 0 ? chosen : filesOfRepository()) {
  for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    for (const [name] of line.matchAll(retiredName)) {
      console.error(`${file}:${index + 1}:${name} (now: ${nameOfToday.get(name) ?? prefixOfToday(name)})`);
      process.exitCode = 1;
    }
  }
}
