import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PollerHealth } from '../poller/health.ts';
import { UsageError } from './flags.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** @throws UsageError if the text is no host and port */
export function parseListenAddress(text: string): ListenAddress {
  const [, host = '', port = ''] = /^(\[[\da-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === '' || Number(port) > 65_535) {
    throw new UsageError(
      `--listen cannot be ${JSON.stringify(text)}. Write an address such as 127.0.0.1:9464 or [::1]:9464.`,
    );
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** Serves the health of a poller until `close` is called. Any program that reaches the address can read it. */
export async function serveHealth(
  { host, port }: ListenAddress,
  health: () => PollerHealth,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer(({ url = '/' }, response) => answer(response, url.split('?')[0] ?? url, health()));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new Error(
          `--listen: ${host}:${port} cannot be used (${error.message}). Choose an address of this machine and a free port.`,
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
  // A server that listens on a host and port has an address of this type.
  const { port: boundPort } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const answer = (response: ServerResponse, path: string, health: PollerHealth): void => {
  const isHealthy = health.state !== 'stale' && health.state !== 'failed';
  const isReady = isHealthy && health.lastSuccessAt !== undefined;
  if (path === '/healthz') send(response, isHealthy ? 200 : 503, `${health.state}\n`);
  else if (path === '/readyz') send(response, isReady ? 200 : 503, `${isReady ? 'ready' : 'not ready'}\n`);
  else if (path === '/metrics') send(response, 200, metricsOf(health, Date.now()));
  else send(response, 404, 'The paths are /healthz, /readyz and /metrics.\n');
};

const send = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  response.end(text);
};

const states: readonly PollerHealth['state'][] = [
  'not-started',
  'polling',
  'idle',
  'retrying',
  'stale',
  'stopped',
  'failed',
];

/** The text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/ */
const metricsOf = (
  { processed, polls, failures, pagesRead, lastSuccessAt, state }: PollerHealth,
  nowMs: number,
): string =>
  [
    ...metric('events_total', 'counter', 'Events that were printed.', [['', processed]]),
    ...metric('polls_total', 'counter', 'Polls that began.', [['', polls]]),
    ...metric('failures_total', 'counter', 'Failed requests and saves of the place.', [['', failures]]),
    ...metric('pages_total', 'counter', 'Pages that were read.', [['', pagesRead]]),
    ...metric(
      'seconds_since_last_scan',
      'gauge',
      'Seconds since the last scan that reached the newest known event.',
      lastSuccessAt ? [['', (nowMs - lastSuccessAt.getTime()) / 1000]] : [],
    ),
    ...metric(
      'state',
      'gauge',
      'The state of the poller: 1 for the current one.',
      states.map((name) => [`{state="${name}"}`, name === state ? 1 : 0]),
    ),
    '',
  ].join('\n');

const metric = (
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly (readonly [labels: string, value: number])[],
): string[] => {
  const fullName = `planetscale_audit_${name}`;
  return [
    `# HELP ${fullName} ${help}`,
    `# TYPE ${fullName} ${type}`,
    ...samples.map(([labels, value]) => `${fullName}${labels} ${value}`),
  ];
};
