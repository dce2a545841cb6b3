import { fakePlanetScale } from 'planetscale-audit/testing';
import { createdAt, hourMs, minuteMs, serveAt, startMs } from '../support/polling.ts';
import { credentials, numbered } from '../support/served.ts';

/** A fake with `count` numbered events, for a source without HTTP. */
export const fakeWith = (count: number) => fakePlanetScale({ ...credentials, events: numbered(count) });

/** Events an hour apart, the newest an hour before startMs. */
export const hourly = (count: number) =>
  numbered(count).map((event, hour) => ({ ...event, ...createdAt(startMs + (hour - count) * hourMs) }));

/** A list in insert order with a postdated event, and `addLate`, which puts events above it that are 9 minutes late. */
export const postdatedBelowLate = async ({ aheadMs = 8 * minuteMs } = {}) => {
  const served = await serveAt({ order: 'added' });
  const { clock, fake } = served;
  const postdated = { id: 'postdated00', ...createdAt(clock.ms + aheadMs) };
  fake.add(postdated);
  clock.ms += minuteMs;
  const addLate = (count: number) =>
    fake.add(...Array.from({ length: count }, () => createdAt(clock.ms - 9 * minuteMs)));
  return { served, postdated, addLate };
};
