import { inspect } from 'node:util';

/** Every character as JSON may escape it: `a` as `\u0061`. */
export const escaped = (text: string): string =>
  [...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

/** Whether a value shows a secret, or the first part of it, in any way in which it can be printed. */
export const leaks = (value: unknown, secret: string): boolean => {
  const shown = [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true, maxStringLength: null }),
    JSON.stringify(value) ?? '',
    String(value),
    value instanceof Error ? `${value.stack}${inspect(value.cause, { depth: null })}` : '',
  ].join('\n');
  // A part of it is too much already.
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), escaped(secret)].some((spelling) =>
    shown.includes(spelling.slice(0, 16)),
  );
};
