import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const readDeployFile = (name: string): string => readFileSync(`${root}/examples/deploy/${name}`, 'utf8');

interface Instruction {
  readonly keyword: string;
  readonly text: string;
}

/** Returns the instructions of each stage of `examples/deploy/Dockerfile`. */
const readStages = (): Instruction[][] => {
  const lines = readDeployFile('Dockerfile')
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, '')
    .split('\n')
    .filter(Boolean);
  const stages: Instruction[][] = [];
  for (const line of lines) {
    const [, keyword = '', text = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (keyword === 'FROM') stages.push([]);
    stages.at(-1)?.push({ keyword, text });
  }
  return stages;
};

const [build = [], image = []] = readStages();

const textsOf = (stage: readonly Instruction[], keyword: string): string[] =>
  stage.filter((instruction) => instruction.keyword === keyword).map(({ text }) => text);

/** The only instruction of this name in the last stage. */
const only = (keyword: string): string => {
  const [text = '', ...others] = textsOf(image, keyword);
  if (others.length > 0) throw new Error(`The last stage has more than one ${keyword}.`);
  return text;
};

/** The shell commands of the first stage, which run in its WORKDIR. */
export const buildCommands = textsOf(build, 'RUN');
/** The WORKDIR of the first stage. */
export const [buildDirectory = ''] = textsOf(build, 'WORKDIR');
/** What the last stage takes out of the first one. */
export const [copied = { from: '', to: '' }] = textsOf(image, 'COPY').map((text) => {
  const [, from = '', to = ''] = /^--from=build (\S+) (\S+)$/.exec(text) ?? [];
  return { from, to };
});
export const entrypoint: readonly string[] = JSON.parse(only('ENTRYPOINT'));
export const defaultArgs: readonly string[] = JSON.parse(only('CMD'));
export const healthCheck: readonly string[] = JSON.parse(only('HEALTHCHECK').replace(/^.*?CMD /, ''));
export const user = only('USER');
export const volume = only('VOLUME');
export const exposedPort = Number(only('EXPOSE'));
/** The value of XDG_STATE_HOME in the image. */
export const stateHome = only('ENV').replace(/^XDG_STATE_HOME=/, '');
