import { en } from 'zod/locales';

/**
 * The parameters of a parse with English messages. zod/mini has no messages of its own, and `z.config()` would set those of the
 * application's schemas too.
 */
export const english = /* @__PURE__ */ (() => ({ error: en().localeError }))();
