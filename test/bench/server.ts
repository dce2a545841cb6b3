// Serves made-up audit logs over HTTP on a loopback port, in a process of its own, until its standard input ends. It prints its URL.
//
// The parts of the path before the list choose the log, in this order, each optional:
//   /pages-10000     the length of the log in pages, 100 if left out
//   /delay-20        milliseconds before each answer
//   /growing-<name>  a log with 100 new events, and a clock a minute later, at each request for its newest page
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventsText, idOf, pageRange, pageSize, pageText, quietLog, type SampleLog } from './sample-log.ts';

/** How a service puts the events of a page into JSON, by the end of the path. Each peer asks in the form of its own service. */
const forms: Readonly<Record<string, (log: SampleLog, cursor: string | null) => string>> = {
  '/audit-log': (log, cursor) => pageText(log, cursor),
  '/array': (log, cursor) => eventsText(log, pageRange(log, cursor)), // GitHub's, with a Link header.
  '/fine_tuning/jobs': (log, cursor) => listText(log, cursor), // OpenAI's.
  '/events': (log, cursor) => listText(log, cursor), // Stripe's.
};

const listText = (log: SampleLog, cursor: string | null): string => {
  const range = pageRange(log, cursor);
  const { newest, oldest } = range;
  return `{"object":"list","url":"/v1/events","has_more":${oldest > 0},"first_id":"${idOf(newest)}","last_id":"${idOf(oldest)}","data":${eventsText(log, range)}}`;
};

const pathPattern =
  /^(?:\/pages-(?<pages>\d+))?(?:\/delay-(?<delay>\d+))?(?:\/growing-(?<name>\w+))?\/.*?(?<form>\/audit-log|\/array|\/fine_tuning\/jobs|\/events)$/;

const quietLogs = new Map<number, SampleLog>();
const growingLogs = new Map<string, SampleLog>();

const quietLogOf = (pages: number): SampleLog => {
  const log = quietLogs.get(pages) ?? quietLog(pages * pageSize);
  quietLogs.set(pages, log);
  return log;
};

/** Returns the log with its new events if the request asks for the newest page. The log has 50 pages before. */
const growingLogOf = (name: string, cursor: string | null): SampleLog => {
  const before = growingLogs.get(name) ?? quietLog(50 * pageSize);
  const log = cursor === null ? { ...before, length: before.length + pageSize } : before;
  growingLogs.set(name, log);
  return log;
};

/** The server's clock in a growing log is a second after its newest event, because 100 events are a minute. */
const serverDateOf = ({ firstMs, length, stepMs }: SampleLog): Date => new Date(firstMs + length * stepMs + 1000);

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '', origin);
  const { pages = '100', delay = '0', name, form = '' } = pathPattern.exec(url.pathname)?.groups ?? {};
  const text = forms[form];
  const limit = url.searchParams.get('limit');
  if (!text || (limit !== null && limit !== String(pageSize))) {
    response.writeHead(404).end(`The benchmark's server has no ${request.url}.`);
    return;
  }
  const cursor = url.searchParams.get('starting_after') ?? url.searchParams.get('after');
  const log = name ? growingLogOf(name, cursor) : quietLogOf(Number(pages));
  const body = Buffer.from(text(log, cursor));
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', body.length);
  if (name) response.setHeader('Date', serverDateOf(log).toUTCString());
  if (form === '/array') {
    const { oldest } = pageRange(log, cursor);
    const next = `${origin}${url.pathname}?limit=${pageSize}&starting_after=${idOf(oldest)}`;
    if (oldest > 0) response.setHeader('Link', `<${next}>; rel="next"`);
  }
  if (delay !== '0') await sleep(Number(delay));
  response.end(body);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
console.log(origin);
await once(process.stdin.resume(), 'end');
server.close();
server.closeAllConnections();
