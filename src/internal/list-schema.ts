import * as z from 'zod/mini';

/** PlanetScale's pages have at most 100 elements. */
const maxElements = 1000;

/** Accepts a short array, and reads none of its elements. A megabyte of JSON can hold half a million, each with its own issue. */
export const listSchema = /* @__PURE__ */ (() =>
  z.custom<readonly unknown[]>(
    (value) => Array.isArray(value) && value.length <= maxElements,
    `Invalid input: expected a list of at most ${maxElements} elements`,
  ))();
