import type { AuditEvent } from '../../audit-log/event.ts';

/** The batch size of RunReveal's own collector, reveald. RunReveal publishes no limit. */
const maxEventsPerRequest = 100;

/** An event and its JSON, which is written once, however often the event is sent. */
export interface WrittenEvent {
  readonly event: AuditEvent;
  readonly json: string;
}

/** The events of each request. An event is written only after the requests before it have been accepted. */
export function* requestParts(
  events: readonly AuditEvent[],
  write: (event: AuditEvent) => string,
  maxBytes: number,
): Generator<readonly WrittenEvent[]> {
  let part: WrittenEvent[] = [];
  let partBytes = 0;
  for (const event of events) {
    if (part.length === maxEventsPerRequest) {
      yield part;
      [part, partBytes] = [[], 0];
    }
    const json = write(event);
    const bytes = utf8Length(json) + 1; // With the comma after it, or the bracket that ends the array.
    if (part.length > 0 && partBytes + bytes + 1 > maxBytes) {
      yield part;
      [part, partBytes] = [[], 0];
    }
    part.push({ event, json });
    partBytes += bytes;
  }
  if (part.length > 0) yield part;
}

const utf8Length = (text: string): number => new TextEncoder().encode(text).length;
