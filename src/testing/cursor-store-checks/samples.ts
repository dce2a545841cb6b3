import type { EventRef } from '../../poller/listed-event.ts';
import { encodeState, maxSeen } from '../../poller/state.ts';

export const newKey = (): string => `cursor-store-checks:${crypto.randomUUID()}`;

export const firstText = 'v1:{"saved":"first"}';
export const secondText = 'v1:{"saved":"second"}';
export const thirdText = 'v1:{"saved":"third"}';

const maxSizeState = (): string => {
  const createRef = (index: number): EventRef => [`event${String(index).padStart(7, '0')}`, '2026-11-01T00:00:00.000Z'];
  const refs = Array.from({ length: maxSeen }, (_, index) => createRef(index));
  return encodeState({
    scope: { organization: 'acme', actions: ['branch.created', 'database.deleted'] },
    startedFrom: { kind: 'oldest' },
    anchors: refs.slice(0, 10),
    seen: refs,
    start: '2026-11-01T00:00:00.000Z',
    pendingSince: '2026-10-31T23:50:00.000Z',
    oldestPendingAt: null,
    forgottenUntil: null,
    missingAnchors: null,
    lastScanStartedAt: '2026-11-01T00:00:00.000Z',
  });
};

/** Returns texts that a faulty store changes, for example with a short column, a parser, a template or Unicode normalization. */
export const sampleTexts = (): (readonly [kind: string, text: string])[] => [
  ["a poller's largest state", maxSizeState()],
  ['JSON with its exact bytes', 'v1:{"b":1.0,"a":[1e3,null,true, ""],"b":12345678901234567890}'],
  ['digits', 'v1:007'],
  ['the version prefix alone', 'v1:'],
  ['quotes, backslashes, escapes and placeholders', 'v1:"\'`\\ \\n \\u0000 %s %00 $1 #{a} {{a}} <a> & ;--'],
  ['inner and trailing white space', 'v1: two  words,\t\r\n\n two lines \n'],
  ['Unicode without normalization', 'v1:é e\u0301 ǆ ﬁ Ω Ω 漢字 עברית \u2028\u2029\ufeff\u200d💥👩‍👩‍👧'],
  ['a megabyte', `v1:${'0123456789abcdef'.repeat(2 ** 16)}`],
];

/** Returns new keys that a careless store maps to one another. */
export const confusableKeys = (): string[] => {
  const prefix = newKey();
  const long = 'x'.repeat(150);
  const names = ['acme', 'Acme', 'ACME', 'acmé', 'acme2', 'acme-2', 'acme_2', 'acme.2', 'acme 2', 'acme%202', 'acme*'];
  return [...names, 'a/b', 'a/c', 'c\\d', '💥', '💦', `${long}y`, `${long}z`].map((name) => `${prefix}:${name}`);
};
