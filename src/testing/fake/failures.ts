/**
 * The outcome that {@link FakePlanetScale.failNext} queues for a request: any response, or a failure of the network.
 *
 * @example
 * ```ts
 * import { type FakeFailure, fakePlanetScale } from 'planetscale-audit/testing';
 *
 * const rateLimit: FakeFailure = { status: 429, body: { code: 'rate_limited' }, headers: { 'retry-after': '2' } };
 * const fake = fakePlanetScale();
 * fake.failNext(rateLimit, { network: 'reset' });
 * ```
 */
export type FakeFailure =
  | {
      /** The status of the response. 200 is allowed. */
      readonly status: number;
      /**
       * The body of the response. A string is sent as it is, and any other value as JSON. Without a body the response is empty.
       */
      readonly body?: unknown;
      /** The headers of the response. The fake adds a `Date` if they have none. */
      readonly headers?: Record<string, string>;
    }
  | {
      /**
       * - `'refused'` and `'reset'`: `fetch` rejects as without a connection, with `ECONNREFUSED` or `ECONNRESET` as the code of
       *   the `cause`. Through {@link listen} both reset the connection.
       * - `'hang'`: no response arrives until the signal of the request aborts.
       * - `'truncated'`: the real response arrives, and its body breaks off half way.
       */
      readonly network: 'refused' | 'reset' | 'hang' | 'truncated';
    };

/** Returns the error with which undici, the `fetch` of Node, rejects. */
const fetchFailedError = (code: string, message: string): TypeError =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });

const rejectOnAbort = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

const truncateBody = async (answer: Response): Promise<Response> => {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const parts = [bytes.subarray(0, bytes.length / 2)];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const part = parts.pop();
      if (part) controller.enqueue(part);
      else controller.error(new TypeError('terminated'));
    },
  });
  return new Response(body, answer);
};

/** Makes a request end in `failure`. `answer` creates the response that the request would get otherwise. */
export async function simulateFailure(
  failure: FakeFailure,
  answer: () => Response,
  signal: AbortSignal | undefined,
): Promise<Response> {
  if ('status' in failure) {
    const { status, body, headers = {} } = failure;
    if (body === undefined) return new Response(null, { status, headers });
    return typeof body === 'string'
      ? new Response(body, { status, headers })
      : Response.json(body, { status, headers });
  }
  switch (failure.network) {
    case 'refused':
      throw fetchFailedError('ECONNREFUSED', 'connect ECONNREFUSED');
    case 'reset':
      throw fetchFailedError('ECONNRESET', 'read ECONNRESET');
    case 'hang':
      return rejectOnAbort(signal);
    case 'truncated':
      return truncateBody(answer());
  }
}
