import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CursorStore, PollNotice } from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { hostileNames, lines, root, run, runSuccessfully, served } from '../support/programs.ts';
import { credentials, failure, idsOf, listOf, numbered } from '../support/served.ts';

// These tests build and pack the package, and install it from the tarball as a user does. They share one file because they share one build.
let project: string;
let tarball: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'planetscale-audit-project-'));
  await runSuccessfully('npm', ['pack', '--pack-destination', project]);
  const { name, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  tarball = join(project, `${name}-${version}.tgz`);
  await writeFile(join(project, 'package.json'), '{"private":true}');
  await runSuccessfully('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: project });
}, 240_000);

afterAll(() => rm(project, { recursive: true, force: true }));

describe("the README's first example in a project that has installed the package", () => {
  const firstExample = async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8');
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    expect(lines(example).length).toBeLessThanOrEqual(10);
    return example;
  };
  const asCommonJs = (example: string) => {
    const body = example.replace(/^import (\{.*\}) from ('.*');$/gm, 'const $1 = require($2);');
    return `(async () => {\n${body}\n})();`;
  };

  test.each([
    ['import', 'example.mjs', (example: string) => example],
    ['require()', 'example.cjs', asCommonJs],
  ])('runs with %s', async (_, name, transform) => {
    await writeFile(join(project, name), transform(await firstExample()));
    const env = await served(250, Array(250).fill(hostileNames));
    const cursors = join(project, 'cursors');
    onTestFinished(() => rm(cursors, { recursive: true, force: true }));
    const { output } = await run(process.execPath, [name], {
      cwd: project,
      env,
      until: (soFar) => soFar.includes('2026-11-01T00:04:09.000Z'),
    });
    const [notice, ...events] = lines(output);
    expect(notice).toMatch(/^planetscale-audit: first-run: .* the 200 newest events/);
    expect(events).toHaveLength(200);
    expect(events[0]).toBe(String.raw`2026-11-01T00:00:50.000Z database_branch.created \u001b[2J\u202eada`);
  });
});

describe('the command of the installed package', () => {
  const command = (...args: string[]) => run('npx', ['planetscale-audit', ...args], { cwd: project });

  test('prints the version of the package', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(await command('--version')).toEqual({ code: 0, output: `${version}\n` });
  });

  test('prints every event once over two runs, and keeps its place in the directory of --state', async () => {
    const state = join(project, 'state');
    const runOnce = async (count: number) =>
      runSuccessfully('npx', ['planetscale-audit', 'tail', '--once', '--start', 'oldest', '--state', state], {
        cwd: project,
        env: await served(count),
      });
    expect(lines(await runOnce(250)).filter((line) => line.startsWith('{'))).toHaveLength(250);
    expect(lines(await runOnce(253)).filter((line) => line.startsWith('{'))).toHaveLength(3);
  });
});

test('the tarball holds the built files, the guides, the examples and what README links to, and nothing else', async () => {
  const listing = await runSuccessfully('tar', ['-tzf', tarball]);
  const names = lines(listing).map((name) => name.replace('package/', ''));
  expect(names).toEqual(
    expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md', 'dist/index.js', 'dist/index.d.ts']),
  );
  const expected =
    /^(dist\/.+|docs\/(internals\/)?[\w-]+\.(md|svg)|examples\/.+|(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md|LICENSE|package\.json)$/;
  expect(names.filter((name) => !expected.test(name))).toEqual([]);
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const links = [...readme.matchAll(/\]\((?!https:)([^)#]+)/g)].map(([, path]) => path);
  expect(links.filter((path = '') => !names.includes(path))).toEqual([]);
});

test('tools that do not read exports find the same files: TypeScript with node10 resolution, and Parcel', async () => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const { '.': main, './package.json': _, ...others } = manifest.exports;
  const subpaths = Object.entries<{ types: string; default: string }>(others);
  expect(manifest).toMatchObject({
    main: main.default,
    types: main.types,
    typesVersions: { '*': Object.fromEntries(subpaths.map(([path, { types }]) => [path.slice('./'.length), [types]])) },
    alias: Object.fromEntries(subpaths.map(([path, { default: file }]) => [path, file])),
  });
});

test('an example of the repository runs with the built package, which it imports by its name', async () => {
  const cursors = join(project, 'example-cursors');
  const output = await runSuccessfully(process.execPath, ['examples/tail.ts'], {
    env: { ...(await served(30)), CURSOR_DIRECTORY: cursors },
    until: (soFar) => soFar.includes('2026-11-01T00:00:29.000Z'),
  });
  expect(lines(output)).toHaveLength(1 + 20); // The notice of the first run, and the events.
}, 60_000);

describe('the built files', () => {
  const filesThatEndWith = async (extension: string) => {
    const dist = join(project, 'node_modules/planetscale-audit/dist');
    const names = (await readdir(dist)).filter((name) => name.endsWith(extension));
    return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(dist, name), 'utf8') })));
  };
  const importedBy = (text: string) =>
    [...text.matchAll(/(?:from |import\(?)["']([^"']+)["']/g)].map(([, name]) => name);

  test('no declaration imports type-fest, which consumers would have to check', async () => {
    const declarations = await filesThatEndWith('.d.ts');
    expect(declarations.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['index.d.ts', 'node.d.ts', 'stores.d.ts', 'testing.d.ts']),
    );
    const imported = declarations.flatMap(({ text }) => importedBy(text));
    expect(imported).toContain('zod');
    expect(imported.filter((name) => name?.startsWith('type-fest'))).toEqual([]);
  });

  test("every import of one of Node's modules has its node: prefix, without which a bundler looks for a package", async () => {
    const imported = (await filesThatEndWith('.js')).flatMap(({ text }) => importedBy(text));
    expect(imported).toContain('node:fs/promises');
    expect(imported.filter((name) => name !== undefined && isBuiltin(name) && !name.startsWith('node:'))).toEqual([]);
  });
});

describe('two copies of the package in one process', () => {
  interface Copy {
    readonly main: typeof import('planetscale-audit');
    readonly node: typeof import('planetscale-audit/node');
  }
  let ours: Copy;
  let other: Copy;

  beforeAll(async () => {
    const installed = 'node_modules/planetscale-audit';
    await cp(join(project, installed), join(project, 'dependency', installed), { recursive: true });
    const load = async (directory: string): Promise<Copy> => {
      const entry = (name: string) => import(pathToFileURL(join(directory, installed, `dist/${name}.js`)).href);
      return { main: await entry('index'), node: await entry('node') };
    };
    ours = await load(project);
    other = await load(join(project, 'dependency'));
  });

  const examples = {
    AuditApiError: ({ main }: Copy) => new main.AuditApiError('', { status: 503 }),
    AuditConfigError: ({ main }: Copy) => new main.AuditConfigError(''),
    AuditConnectionError: ({ main }: Copy) => new main.AuditConnectionError(''),
    AuditResponseError: ({ main }: Copy) => new main.AuditResponseError(''),
    CursorConflictError: ({ main }: Copy) => new main.CursorConflictError('', { key: 'key' }),
    CursorStoreError: ({ main }: Copy) => new main.CursorStoreError('', { key: 'key' }),
  };
  const classesOf = (error: unknown, { main }: Copy) =>
    Object.entries(main).flatMap(([name, value]) =>
      /Error$/.test(name) && error instanceof Object(value) ? [name] : [],
    );

  test.each(Object.entries(examples))("instanceof finds the other copy's %s in its class alone", (name, create) => {
    const error = create(other);
    expect(Object.getPrototypeOf(error)).not.toBe(Object.getPrototypeOf(create(ours)));
    expect(classesOf(error, ours)).toEqual([name, 'PlanetScaleAuditError']);
    expect(classesOf(create(ours), other)).toEqual([name, 'PlanetScaleAuditError']);
    expect(classesOf(Object.assign(new Error('not of the package'), { name }), ours)).toEqual([]);
  });

  test('every error class of the package is one of these', () => {
    const names = Object.keys(ours.main).filter((name) => /^[A-Z].*Error$/.test(name));
    expect(names).toEqual([...Object.keys(examples), 'PlanetScaleAuditError'].sort());
  });

  test("rawJson and the row keep the text of an event of the other copy's client, byte for byte", async () => {
    const fake = fakePlanetScale(credentials);
    const { PlanetScaleAuditClient } = other.main;
    const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch });
    const raw = String.raw`{ "id": "a", "audit_action": "a.b", "created_at": "\u0063", "metadata": {"n": 12345678901234567890} }`;
    fake.failNext({ status: 200, body: `{"data":[${raw}],"has_next":false,"cursor_end":null}` });
    const { events } = await client.page();
    expect(events.map(ours.main.rawJson)).toEqual([raw]);
    expect(events.map((event) => ours.main.toRunRevealRow(event).rawLog)).toEqual([raw]);
  });

  /** Starts a poller of our copy on a client of the other copy, and records its retries. */
  const mixedPoller = (store: CursorStore = new Map()) => {
    const fake = fakePlanetScale({ ...credentials, events: numbered(3) });
    const { PlanetScaleAuditClient } = other.main;
    const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch, retries: 0 });
    const retries: string[] = [];
    const onNotice = (notice: PollNotice) => void (notice.type === 'retrying' && retries.push(notice.error.name));
    return { fake, retries, batches: ours.main.poller(client, { store, onNotice }).batches() };
  };

  test("a poller retries the retryable errors of the other copy's client and store", async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0); // No wait before a retry.
    const store = new Map<string, string>();
    const get = vi.fn<CursorStore['get']>((key) => store.get(key));
    get.mockRejectedValueOnce(new other.main.CursorStoreError('The store is down.', { key: 'key', retryable: true }));
    const { fake, retries, batches } = mixedPoller({ get, set: (key, value) => store.set(key, value) });
    fake.failNext({ status: 503, body: {} }, { network: 'reset' }, { status: 200, body: 'no JSON' });
    const { value } = await batches.next();
    expect(idsOf(value ?? [])).toEqual(idsOf(numbered(3)));
    expect(retries).toEqual(['CursorStoreError', 'AuditApiError', 'AuditConnectionError', 'AuditResponseError']);
    await batches.return();
  });

  test.each([
    ['AuditApiError', { status: 403, body: { code: 'forbidden' } }],
    ['AuditResponseError', listOf([{ id: 'event0000009' }])],
    ['AuditConnectionError', { status: 302, headers: { location: 'https://example.com' } }],
  ])("a poller ends with an %s of the other copy's client that no retry can cure", async (name, answer) => {
    const { fake, retries, batches } = mixedPoller();
    fake.failNext(answer);
    const error = await failure(batches.next());
    expect(classesOf(error, ours)).toEqual([name, 'PlanetScaleAuditError']);
    expect(retries).toEqual([]);
  });

  test("a poller ends with the error of the other copy's file store, if the file is corrupt", async () => {
    const directory = join(project, 'corrupt-cursors');
    const key = 'planetscale-audit:acme';
    await other.node.fileCursorStore(directory).set(key, 'value');
    for (const file of await readdir(directory, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) await writeFile(join(file.parentPath, file.name), '');
    }
    const { retries, batches } = mixedPoller(other.node.fileCursorStore(directory));
    expect(classesOf(await failure(batches.next()), ours)).toEqual(['CursorStoreError', 'PlanetScaleAuditError']);
    expect(retries).toEqual([]);
  });
});
