import * as z from 'zod/mini';

/** Accepts any value, and replaces an invalid one. `z.catch()` does the same, but adds 2 kB to a bundle. */
export const withFallback = <Schema extends z.ZodMiniType, Fallback>(schema: Schema, fallback: Fallback) =>
  z.union([schema, z.transform(() => fallback)]);
