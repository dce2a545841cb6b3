import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Reads the commands of Redis's append-only files, the oldest first. A script stands there as the commands that it ran. */
export async function commandsOf(directory: string): Promise<readonly (readonly string[])[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.incr.aof'));
  names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const files = await Promise.all(names.map((name) => readFile(join(directory, name))));
  return files.flatMap(parse);
}

/** Each command is `*<count>`, and then `$<bytes>` and the bytes of each part. A crash can cut off the last command. */
function parse(file: Buffer): readonly (readonly string[])[] {
  const commands: string[][] = [];
  let at = 0;
  const readLine = (): string => {
    const end = file.indexOf('\r\n', at);
    const line = file.toString('latin1', at, end);
    at = end === -1 ? file.length : end + 2;
    return line;
  };
  while (at < file.length) {
    const header = readLine();
    if (!header.startsWith('*')) continue; // An annotation, such as #TS:.
    const parts: string[] = [];
    for (let left = Number(header.slice(1)); left > 0; left--) {
      const length = Number(readLine().slice(1));
      parts.push(file.toString('utf8', at, at + length));
      at += length + 2;
    }
    commands.push(parts);
  }
  return commands;
}
