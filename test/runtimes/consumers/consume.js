// The work of a user, which every runtime does. The result is JSON, and it must be the same everywhere.
import {
  memoryCursorStore,
  PlanetScaleAuditClient,
  PlanetScaleAuditError,
  poller,
  rawJson,
  toJsonEachRow,
  toOcsf,
  toRunRevealRow,
} from 'planetscale-audit';

const token = 'pscale_tkn_fake';
const credentials = { organization: 'acme', serviceTokenId: 'faketokenid1', serviceToken: token };
const connect = (baseUrl, options) => new PlanetScaleAuditClient({ ...credentials, baseUrl, retries: 0, ...options });

/** `urls` has a PlanetScale for each situation, and `stores` the cursor stores of this runtime beside the one in memory. */
export async function consume({ urls, stores = {} }) {
  const client = connect(urls.normal);
  return {
    access: await client.verifyAccess(),
    ids: (await collect(client.events())).map(({ id }) => id),
    formats: (await collect(connect(urls.unusualValues).events())).map(formatsOf),
    runs: await mapValues({ memory: memoryCursorStore(), ...stores }, (store) => twoRuns(client, store)),
    failures: await mapValues(failingCalls(urls), describeFailure),
  };
}

/** Without `receivedAt`, a row has the time of the call. */
const context = { sourceID: 'source', receivedAt: new Date('2026-11-02T00:00:00.123Z') };

const formatsOf = (event) => ({
  raw: rawJson(event),
  row: toRunRevealRow(event, context),
  line: toJsonEachRow(event, context),
  ocsf: toOcsf(event, { organization: 'acme' }),
});

/** Reads all events from the oldest on, and then continues with another poller after the last one. */
async function twoRuns(client, store) {
  const runs = [];
  for (const _ of ['first', 'second']) {
    const notices = [];
    const onNotice = ({ type }) => void notices.push(type);
    const events = poller(client, { store, startFrom: 'oldest', drain: true, onNotice });
    runs.push({ ids: (await collect(events)).map(({ id }) => id), notices, state: events.health().state });
  }
  return runs;
}

const failingCalls = (urls) => ({
  wrongToken: () => connect(urls.normal, { serviceToken: 'pscale_tkn_wrong' }).page(),
  refused: () => connect(urls.refused).page(),
  reset: () => connect(urls.reset).page(),
  truncated: () => connect(urls.truncated).page(),
  redirect: () => connect(urls.redirect).page(),
  timeout: () => connect(urls.hang, { timeoutMs: 200 }).page(),
  abort: () => connect(urls.hang).page({ signal: AbortSignal.timeout(200) }),
  retried: () => connect(urls.rateLimited, { retries: 1 }).page(),
});

async function describeFailure(call) {
  try {
    await call();
    return 'success';
  } catch (error) {
    const { name, message, stack, cause } = error;
    const showsToken = [message, stack, String(cause)].some((text) => text.includes(token));
    // workerd has a `retryable` of its own on the errors of the platform.
    const details = error instanceof PlanetScaleAuditError ? { status: error.status, retryable: error.retryable } : {};
    return { name, ...details, showsToken };
  }
}

async function collect(items) {
  const all = [];
  for await (const item of items) all.push(item);
  return all;
}

async function mapValues(object, map) {
  const entries = [];
  for (const [name, value] of Object.entries(object)) entries.push([name, await map(value)]);
  return Object.fromEntries(entries);
}
