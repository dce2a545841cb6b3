import OpenAI from 'openai-7';
import type { ReadList } from '../rows/http.ts';
import { credentials, pageSize } from '../sample-log.ts';

export const read: ReadList = async (serverUrl) => {
  const client = new OpenAI({ baseURL: `${serverUrl}/v1`, apiKey: credentials.serviceToken });
  let events = 0;
  for await (const _ of client.fineTuning.jobs.list({ limit: pageSize })) events++;
  return events;
};
