import { inspect } from 'node:util';

/** Escapes every character as JSON may: `a` as `\u0061`. */
export const escaped = (text: string): string =>
  [...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

/** Whether a secret, or its first 16 characters, is in any printed form of a value. */
export const leaks = (value: unknown, secret: string): boolean => {
  const shown = [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true, maxStringLength: null }),
    JSON.stringify(value) ?? '',
    String(value),
    value instanceof Error ? `${value.stack}${inspect(value.cause, { depth: null })}` : '',
  ].join('\n');
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), escaped(secret)].some((spelling) =>
    shown.includes(spelling.slice(0, 16)),
  );
};
