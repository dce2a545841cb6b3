import { Octokit } from 'octokit';
import type { ReadList } from '../rows/http.ts';
import { credentials, pageSize } from '../sample-log.ts';

/** Octokit's queues for rate limits and retries are off, because they triple its cost: so the comparison is the stricter one. */
const withoutQueues = { throttle: { enabled: false }, retry: { enabled: false } };

export const read: ReadList = async (serverUrl) => {
  const octokit = new Octokit({ baseUrl: `${serverUrl}/v1`, auth: credentials.serviceToken, ...withoutQueues });
  let events = 0;
  for await (const { data } of octokit.paginate.iterator('GET /array', { limit: pageSize })) {
    events += data.length;
  }
  return events;
};
