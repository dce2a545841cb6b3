import { ksuid } from './ksuid.ts';
import { murmurHash3 } from './murmur-hash.ts';

const encoder = /* @__PURE__ */ new TextEncoder();
let buffer = /* @__PURE__ */ new Uint8Array(256);

/** Returns UTF-8 in one buffer for all calls, because a new array for each call would take most of the time of a row's id. */
function utf8(text: string): Uint8Array {
  const maxBytes = text.length * 3;
  if (buffer.length < maxBytes) buffer = new Uint8Array(maxBytes);
  return buffer.subarray(0, encoder.encodeInto(text, buffer).written);
}

/**
 * Returns a row's id in RunReveal's own form, a KSUID with the time of arrival. Its payload is a hash of source and event instead
 * of random bits, so that the same input gives the same id.
 */
export function rowId(receivedAt: Date, sourceID: string, eventID: string): string {
  return ksuid(receivedAt.getTime(), murmurHash3(utf8(`${sourceID}\0${eventID}`)));
}
