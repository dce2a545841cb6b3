import { ksuid } from './ksuid.ts';
import { murmurHash3 } from './murmur-hash.ts';

const encoder = new TextEncoder();
let buffer = new Uint8Array(256);

/** Into one buffer for all calls: with an array for each, this would be most of what a row's id costs. */
function utf8(text: string): Uint8Array {
  const longest = text.length * 3;
  if (buffer.length < longest) buffer = new Uint8Array(longest);
  return buffer.subarray(0, encoder.encodeInto(text, buffer).written);
}

/**
 * A row's id in the form of RunReveal's own, a KSUID whose time is that of arrival. Where a KSUID is random this one has the
 * hash of source and event, so that the same input gives the same id.
 */
export function rowId(receivedAt: Date, sourceID: string, eventID: string): string {
  return ksuid(receivedAt.getTime(), murmurHash3(utf8(`${sourceID}\0${eventID}`)));
}
