import got from 'got';
import type { ReadList } from '../rows/http.ts';
import { credentials, organization, pageSize } from '../sample-log.ts';

interface Page {
  readonly data: readonly unknown[];
  readonly has_next: boolean;
  readonly cursor_end: string;
}

export const read: ReadList = async (serverUrl) => {
  const items = got.paginate.each<unknown, Page>(`${serverUrl}/v1/organizations/${organization}/audit-log`, {
    searchParams: { limit: pageSize },
    headers: { authorization: `${credentials.serviceTokenId}:${credentials.serviceToken}` },
    responseType: 'json',
    pagination: {
      transform: ({ body }) => [...body.data],
      paginate: ({ response: { body } }) =>
        body.has_next && { searchParams: { limit: pageSize, starting_after: body.cursor_end } },
    },
  });
  let events = 0;
  for await (const _ of items) events++;
  return events;
};
