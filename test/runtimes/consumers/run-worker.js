// Runs a bundled Worker in workerd. The first argument is its file, and the second one has the addresses, as JSON.
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { Miniflare } from 'miniflare';
import { fakePlanetScale, listen } from 'planetscale-audit/testing';

const [, , file, config] = process.argv;

const eventsOf = (from, to) => Array.from({ length: to - from }, (_, index) => ({ id: `event${from + index}` }));
const fake = fakePlanetScale({ events: eventsOf(0, 250) });
const server = await listen(fake);
const worker = new Miniflare({
  modules: true,
  script: await readFile(file, 'utf8'),
  compatibilityDate: '2026-07-30',
  cf: false, // Miniflare would ask Cloudflare for the data center.
  kvNamespaces: ['CURSORS', 'OTHER_CURSORS', 'ROWS'],
  bindings: {
    PLANETSCALE_ORG: 'acme',
    PLANETSCALE_SERVICE_TOKEN_ID: 'faketokenid1',
    PLANETSCALE_SERVICE_TOKEN: 'pscale_tkn_fake',
    PLANETSCALE_API_URL: server.url,
  },
});

/** Fires the schedule once. Returns the number of rows in each batch. */
async function runSchedule() {
  const { scheduled } = await worker.getWorker();
  const { outcome } = await scheduled({ cron: '* * * * *' });
  const rows = await worker.getKVNamespace('ROWS');
  const { keys } = await rows.list();
  const batches = {};
  for (const { name } of keys) {
    batches[name] = (await rows.get(name)).split('\n').length;
    await rows.delete(name);
  }
  return { outcome, batches };
}

try {
  const first = await runSchedule();
  fake.add(...eventsOf(250, 253));
  const second = await runSchedule();
  const response = await worker.dispatchFetch('http://worker/', { method: 'POST', body: config });
  if (!response.ok) throw new Error(await response.text());
  console.log(JSON.stringify({ schedule: [first, second], result: await response.json() }));
} finally {
  await worker.dispose();
  await server.close();
}
