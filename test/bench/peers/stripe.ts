import Stripe from 'stripe';
import type { ReadList } from '../rows/http.ts';
import { pageSize } from '../sample-log.ts';

/** Stripe's client uses node:http and not fetch. */
export const read: ReadList = async (serverUrl) => {
  const { hostname: host, port } = new URL(serverUrl);
  const stripe = new Stripe('sk_test_fake', { host, port: Number(port), protocol: 'http', telemetry: false });
  let events = 0;
  for await (const _ of stripe.events.list({ limit: pageSize })) events++;
  return events;
};
