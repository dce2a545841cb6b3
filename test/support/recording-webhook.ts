import { text } from 'node:stream/consumers';
import type { AuditEvent } from 'planetscale-audit';
import { vi } from 'vitest';
import { eventWith } from './arbitrary-events.ts';
import { serveRaw } from './served.ts';

export interface ReceivedRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface WebhookAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A webhook on loopback that records the requests. It accepts every request for which no other answer is queued. */
export interface RecordingWebhook {
  readonly url: string;
  readonly received: readonly ReceivedRequest[];
  /** The accepted events, in order. */
  readonly accepted: readonly unknown[];
  /** Queues the answers to the next requests. */
  answer(...answers: (WebhookAnswer | 'reset' | 'hang')[]): void;
  /** Answers 413 from now on to each request whose body is too large. */
  refuseIf(isTooLarge: (body: string) => boolean): void;
}

export const webhookSecret = 'kT8vQz2LmW5xRn7c';
export const webhookToken = 'rr_5pYq0Zk3vLw9bD4e';

export const numberedEvents = (count: number): AuditEvent[] =>
  Array.from({ length: count }, (_, index) => eventWith({ id: `event${index}`, actor_id: `actor${index}` }));

/** Lets retries happen at once, since the backoff is a random part of a delay. */
export const withoutBackoff = () => vi.spyOn(Math, 'random').mockReturnValue(0);

export async function recordingWebhook(path = `/sources/hook/${webhookSecret}`): Promise<RecordingWebhook> {
  const received: ReceivedRequest[] = [];
  const accepted: unknown[] = [];
  const answers: (WebhookAnswer | 'reset' | 'hang')[] = [];
  let isTooLarge = (_body: string) => false;
  const base = await serveRaw(async (request, response) => {
    const body = await text(request);
    received.push({ method: request.method, path: request.url, headers: request.headers, body });
    const answer = answers.shift() ?? { status: isTooLarge(body) ? 413 : 202 };
    if (answer === 'hang') return;
    if (answer === 'reset') return void request.socket.resetAndDestroy();
    if (answer.status < 300) accepted.push(...JSON.parse(body));
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  return {
    url: new URL(path, base).href,
    received,
    accepted,
    answer: (...more) => void answers.push(...more),
    refuseIf: (predicate) => {
      isTooLarge = predicate;
    },
  };
}
