import { loadEnvFile } from 'node:process';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { errorCode, errorMessage } from '../internal/foreign-error.ts';
import { nearest } from '../internal/nearest.ts';

/** The command line is wrong. The message says what to change. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Every command takes these. */
const commonFlags = { 'env-file': { type: 'string' } } as const;

/**
 * Returns the values of a command's flags, and loads the variables of `--env-file`. A variable that is set already keeps its value.
 *
 * @throws UsageError for a flag that is unknown or has no value, for an argument, and for a file that cannot be read
 */
export function parseFlags<Flags extends ParseArgsOptionsConfig>(args: readonly string[], flags: Flags) {
  const options = { ...flags, ...commonFlags };
  const { values } = parseStrictly({ args: [...args], options });
  const envFile: unknown = Reflect.get(values, 'env-file');
  if (typeof envFile === 'string') loadVariables(envFile);
  return values;
}

const parseStrictly = <Options extends ParseArgsOptionsConfig>(config: {
  readonly args: string[];
  readonly options: Options;
}) => {
  try {
    return parseArgs({ ...config, allowPositionals: false });
  } catch (error) {
    throw new UsageError(usageMessage(error, Object.keys(config.options)));
  }
};

const usageMessage = (error: unknown, known: readonly string[]): string => {
  const message = errorMessage(error);
  if (errorCode(error) !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return message.replaceAll('\n', ' ').replace(/\.?$/, '.');
  const [flag = ''] = /--?[^'\s]+/.exec(message) ?? [];
  const suggestion = nearest(flag.replace(/^-+/, ''), [...known, 'help', 'version']);
  return `There is no flag ${flag}.${suggestion === undefined ? '' : ` Did you mean --${suggestion}?`}`;
};

/**
 * Node loads the file itself before the program starts, and ends with its own status 9 if there is none. Other runtimes leave it to
 * the program.
 */
const loadVariables = (path: string): void => {
  try {
    loadEnvFile(path);
  } catch (error) {
    throw new UsageError(
      `--env-file: ${path} cannot be read (${errorMessage(error)}). Pass a file of lines NAME=value.`,
    );
  }
};

/** @throws UsageError if the flag has an empty value */
export function rejectEmpty(flag: string, value: string | undefined): void {
  if (value === '') throw new UsageError(`${flag} is empty. Give it a value, or leave it out.`);
}

/** Returns the value if it is one of the choices. */
export function parseChoice<Choice extends string>(flag: string, value: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new UsageError(`${flag}: there is no ${JSON.stringify(value)}. ${hintFor(value, choices, 'Choose')}`);
}

/** Returns the choice that was probably meant, or all of them, as a sentence. */
export function hintFor(word: string, choices: readonly string[], verb: 'Choose' | 'Name'): string {
  const suggestion = nearest(word, choices);
  return suggestion === undefined ? `${verb} one of ${choices.join(', ')}.` : `Did you mean ${suggestion}?`;
}
