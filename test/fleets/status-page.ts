import assert from 'node:assert/strict';
import { type Browser, chromium } from 'playwright-core';
import { installed, programOf } from '../support/server-process.ts';

const chromiumOfDebian = installed('chromium', ['/usr/bin/chromium']);

/** Reads the status page as a person does, on a phone and on a desk. */
export async function checkStatusPage(url: string, organizations: number, parked: string): Promise<void> {
  const browser = await chromium.launch({ executablePath: programOf(chromiumOfDebian) });
  try {
    for (const width of [390, 1280]) await checkAt(browser, width, url, organizations, parked);
  } finally {
    await browser.close();
  }
}

async function checkAt(browser: Browser, width: number, url: string, organizations: number, parked: string) {
  const errors: string[] = [];
  const page = await browser.newPage({ viewport: { width, height: 844 } });
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('response', (response) => response.status() >= 400 && errors.push(`${response.status()} ${response.url()}`));
  await page.goto(url);
  const rows = page.locator('tbody tr');
  assert.equal(await rows.count(), organizations);
  assert.equal(await page.locator('h1').textContent(), `${organizations} organizations, 1 parked`);
  assert.ok(
    (await page.evaluate(() => document.documentElement.scrollWidth)) <= width,
    `no sideways scroll at ${width}`,
  );
  assert.equal(await page.locator('b').count(), 0, "an organization's name is text");

  const organizationsInOrder = () => rows.locator('td:first-child').allTextContents();
  const sortBy = (label: string) => page.getByRole('button', { name: label, exact: true }).click();
  await sortBy('State');
  assert.equal((await organizationsInOrder()).at(-1), parked, 'a sort by state has the parked organization last');
  await sortBy('State');
  assert.equal((await organizationsInOrder())[0], parked, 'a second click reverses the order');
  await sortBy('Lag');
  const lags = await rows
    .locator('td:nth-child(3)')
    .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute('data-value'))));
  assert.deepEqual(
    lags,
    lags.toSorted((a, b) => a - b),
  );

  const cells = await rows.filter({ hasText: parked }).locator('td').allTextContents();
  assert.equal(cells[1], 'parked');
  assert.match(cells[4] ?? '', /^access: AuditApiError/, 'the page has the reason of a parked organization');
  assert.doesNotMatch(await page.content(), /pscale_tkn/);
  assert.deepEqual(errors, []);
  await page.close();
}
