import type { AuditEvent } from '../audit-log/event.ts';
import { excerpt } from '../internal/excerpt.ts';

export const overflowMessage =
  'The look-back holds more events than the poller remembers. It will miss late events among the oldest of them. Shorten lookbackMs.';

export const lostAnchorsMessage =
  'PlanetScale no longer lists any event that the poller remembers as final. The poller may deliver some events again.';

export const shortListMessage =
  "PlanetScale's list ends above the events that the poller knows, although PlanetScale should still keep them. The poller remembers all of them, and delivers what the list has. If this lasts, contact PlanetScale.";

export const futureTimesMessage =
  "The saved state has a time in the future, which a wrong clock has left there. The poller ignores that time, so that it skips no event. It may deliver some events again. Check this machine's clock.";

/** @param servedAt a `Date` that the poller doubts */
export const clockMessage = (servedAt: Date | undefined): string =>
  `PlanetScale's clock is far from the time that the poller expects (Date: ${servedAt?.toISOString()}; this machine: ${new Date().toISOString()}). Until three responses in a row agree, the poller takes the earlier time as the age of events, and the later one to judge gaps. Check this machine's clock, and any proxy that changes the Date header.`;

export const unreadableMessage = ({ id, created_at }: AuditEvent): string =>
  `The poller cannot read a created_at (${excerpt(created_at)}, event ${excerpt(id)}). It takes the time at which it first read such an event as the age of the event. Look for a newer version of planetscale-audit.`;
