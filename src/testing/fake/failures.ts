/**
 * What {@link FakePlanetScale.fail} makes of a request: an answer of your own, or no whole answer.
 *
 * - `status`: any answer, 200 included. `body` is sent as JSON, a string as it is, and none is an empty body.
 * - `network: 'refused'` and `'reset'`: `fetch` rejects as it does when there is no connection, with `ECONNREFUSED` or
 *   `ECONNRESET` as the code of the `cause`. Through {@link listen} both reset the connection.
 * - `network: 'hang'`: no answer until the request's signal aborts.
 * - `network: 'truncated'`: the real answer, whose body breaks off half way.
 *
 * @example
 * ```ts
 * import { type FakeFailure, fakePlanetScale } from 'planetscale-audit/testing';
 *
 * const rateLimit: FakeFailure = { status: 429, body: { code: 'rate_limited' }, headers: { 'retry-after': '2' } };
 * const fake = fakePlanetScale();
 * fake.fail(rateLimit, { network: 'reset' });
 * ```
 */
export type FakeFailure =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | { readonly network: 'refused' | 'reset' | 'hang' | 'truncated' };

/** As undici, the `fetch` of Node, rejects. */
const fetchFailed = (code: string, message: string): TypeError =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });

const untilAborted = (signal: AbortSignal | undefined): Promise<never> =>
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

/** What comes of a request that was told to fail; `answer` is what it would have got otherwise. */
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
      throw fetchFailed('ECONNREFUSED', 'connect ECONNREFUSED');
    case 'reset':
      throw fetchFailed('ECONNRESET', 'read ECONNRESET');
    case 'hang':
      return untilAborted(signal);
    case 'truncated':
      return truncateBody(answer());
  }
}
