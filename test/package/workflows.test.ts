import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const step = z.object({ uses: z.string().optional(), run: z.string().optional(), with: z.unknown().optional() });
const job = z.object({
  'timeout-minutes': z.number().optional(),
  uses: z.string().optional(),
  steps: z.array(step).default([]),
});
const workflow = z.object({
  permissions: z.record(z.string(), z.string()),
  concurrency: z.object({ group: z.string() }),
  jobs: z.record(z.string(), job),
});

const files = globSync('.github/workflows/*.yml', { cwd: root });
const workflows = files.map((file) => ({ file, ...workflow.parse(parse(read(file))) }));
const jobs = workflows.flatMap(({ file, jobs }) =>
  Object.entries(jobs).map(([name, job]) => ({ name: `${basename(file)}: ${name}`, job })),
);
const steps = jobs.flatMap(({ name, job }) => job.steps.map((step) => ({ name, step })));

describe('the workflows of GitHub Actions', () => {
  test('pin each third-party action to a commit and note its version', () => {
    const uses = files.flatMap((file) => read(file).match(/\buses: .*/g) ?? []);
    expect(uses.length).toBeGreaterThan(5);
    expect(files.map((file) => basename(file)).sort()).toEqual(['ci.yml', 'release.yml']);
    for (const use of uses) expect(use).toMatch(/^uses: (\.\/\S+|[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/);
  });

  test('grant read access at most, unless a job asks for more', () => {
    for (const { permissions } of workflows) {
      expect([{}, { contents: 'read' }]).toContainEqual(permissions);
    }
  });

  test('limit the time of each job, and keep no credentials after a checkout', () => {
    for (const { name, job } of jobs) if (!job.uses) expect(job['timeout-minutes'], name).toBeLessThanOrEqual(45);
    const checkouts = steps.filter(({ step }) => step.uses?.startsWith('actions/checkout@'));
    expect(checkouts.length).toBeGreaterThan(3);
    for (const { name, step } of checkouts) expect(step.with, name).toEqual({ 'persist-credentials': false });
  });

  test('call only scripts and files that exist', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const commands = steps.flatMap(({ step }) => [step.run ?? '', Object(step.with).script ?? '']).join('\n');
    const npmScripts = [...commands.matchAll(/npm run ([\w:-]+)/g)].map(([, script]) => script);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(npmScripts));
    const paths = [...commands.matchAll(/(?:^|[\s"])((?:\.ci|node_modules|test)\/[\w./-]*[\w-])/gm)].map(
      ([, path]) => path,
    );
    expect(paths).toContain('.ci/run');
    expect(paths.filter((path) => !existsSync(join(root, String(path))))).toEqual([]);
  });
});

test('the bug report form warns against pasting tokens, and asks for version, runtime, store, error and expectation', () => {
  const form = parse(read('.github/ISSUE_TEMPLATE/bug.yml'));
  const fields = z.array(z.object({ type: z.string(), id: z.string().optional() })).parse(form.body);
  expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String) });
  expect(form.body[0].attributes.value).toContain('Do not paste a token');
  expect(fields.flatMap(({ id }) => id ?? [])).toEqual(
    expect.arrayContaining(['version', 'runtime', 'runtime-version', 'store', 'error', 'expected']),
  );
  expect(['markdown', 'input', 'dropdown', 'textarea']).toEqual(expect.arrayContaining(fields.map(({ type }) => type)));
});
