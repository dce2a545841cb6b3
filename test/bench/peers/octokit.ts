import { Octokit } from 'octokit';
import type { ReadList } from '../rows/http.ts';
import { credentials, pageSize } from '../sample-log.ts';

export const read: ReadList = async (serverUrl) => {
  const octokit = new Octokit({ baseUrl: `${serverUrl}/v1`, auth: credentials.serviceToken });
  let events = 0;
  for await (const { data } of octokit.paginate.iterator('GET /array', { limit: pageSize })) {
    events += data.length;
  }
  return events;
};
