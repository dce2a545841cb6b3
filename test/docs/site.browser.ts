import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith, installed, programOf } from '../support/server-process.ts';
import { serveDirectory } from './static-site.ts';

const chromiumOfDebian = installed('chromium', ['/usr/bin/chromium']);
const root = resolve(import.meta.dirname, '../..');

/** What a reader of one page meets. */
interface Visit {
  readonly titles: readonly string[];
  readonly width: number;
  readonly ids: ReadonlySet<string>;
  readonly links: readonly string[];
  readonly errors: readonly string[];
}

describeWith(chromiumOfDebian, 'the documentation site', () => {
  const directory = mkdtempSync(join(tmpdir(), 'site-'));
  const visits = new Map<string, Visit>();
  let site: Awaited<ReturnType<typeof serveDirectory>>;
  let browser: Browser;

  beforeAll(async () => {
    const program = programOf(chromiumOfDebian);
    execFileSync(process.execPath, ['node_modules/typedoc/bin/typedoc', '--out', directory], { cwd: root });
    site = await serveDirectory(directory);
    browser = await chromium.launch({ executablePath: program });
    const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
    const paths = ['/index.html'];
    for (const path of paths) {
      const visit = await visitPage(page, site.url + path);
      visits.set(path, visit);
      const found = visit.links.map((link) => new URL(link).pathname).filter((linked) => linked.endsWith('.html'));
      paths.push(...new Set(found).difference(new Set(paths)));
    }
  });

  afterAll(async () => {
    await browser?.close();
    site?.server.close();
    rmSync(directory, { recursive: true });
  });

  /** The pages for which something is wrong, each with what. An empty list is what a test expects. */
  const problems = (problemsOf: (visit: Visit) => readonly string[]) =>
    [...visits].flatMap(([path, visit]) => problemsOf(visit).map((problem) => `${path}: ${problem}`));

  test('every page can be reached from the first one', () => {
    const pages = globSync('**/*.html', { cwd: directory }).map((path) => `/${path}`);
    expect(pages.filter((path) => !visits.has(path))).toEqual([]);
    expect(visits.size).toBeGreaterThan(80);
  });

  test('every page loads without an error in the console or a missing file', () => {
    expect(problems(({ errors }) => errors)).toEqual([]);
  });

  test('every link within the site leads to a page and to a heading that exist', async () => {
    const broken = async (link: string) => {
      const { pathname, hash } = new URL(link);
      const page = visits.get(pathname.replace(/\/$/, '/index.html'));
      if (page) return hash !== '' && !page.ids.has(decodeURIComponent(hash.slice(1)));
      return (await fetch(link)).status !== 200;
    };
    const links = [...new Set([...visits.values()].flatMap((visit) => visit.links))];
    const answers = await Promise.all(links.map(broken));
    expect(links.filter((_, index) => answers[index])).toEqual([]);
  });

  test('no link opens raw Markdown or raw TypeScript', () => {
    expect(problems(({ links }) => links.filter((link) => /\.(md|ts)(#|$)/.test(link)))).toEqual([]);
  });

  test('every page has exactly one title', () => {
    expect(problems(({ titles }) => (titles.length === 1 ? [] : [titles.join(', ') || 'none']))).toEqual([]);
  });

  test('no page scrolls sideways on a phone of 390 pixels', () => {
    expect(problems(({ width }) => (width > 390 ? [`${width} pixels`] : []))).toEqual([]);
  });

  test.each([
    ['poller', /^planetscale-audit\.poller$/],
    ['retention', /^Polling$|gap/i],
    ['gap', /^Polling$|gap/i],
    ['backfill', /./],
  ])('the search finds %s in the first three results', async (word, title) => {
    const page = await browser.newPage();
    await page.goto(`${site.url}/index.html`);
    await page.click('#tsd-search-trigger');
    await page.fill('#tsd-search-input', word);
    await page.waitForSelector('#tsd-search-results li');
    const results = await page.locator('#tsd-search-results li').allTextContents();
    expect(results.slice(0, 3).map((result) => result.trim())).toContainEqual(expect.stringMatching(title));
  });

  test.each(['light', 'dark'] as const)('the site follows a %s system', async (colorScheme) => {
    const page = await browser.newPage({ colorScheme });
    await page.goto(`${site.url}/index.html`);
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(background).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(21, 23, 27)');
  });
});

async function visitPage(page: Page, url: string): Promise<Visit> {
  const errors: string[] = [];
  page.removeAllListeners();
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('response', (response) => response.status() >= 400 && errors.push(`${response.status()} ${response.url()}`));
  await page.goto(url, { waitUntil: 'load' });
  await page.waitForSelector('#tsd-nav-container a', { state: 'attached' });
  const { titles, width, ids, links } = await page.evaluate(() => ({
    titles: [...document.querySelectorAll('h1')].map((title) => title.textContent),
    width: document.documentElement.scrollWidth,
    ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
    links: [...document.querySelectorAll('a')]
      .map(({ href }) => href)
      .filter((href) => href.startsWith(location.origin)),
  }));
  return { titles, width, ids: new Set(ids), links, errors };
}
