// The types that public declarations need of type-fest, written out: a consumer that type-checks its libraries would otherwise
// check all of type-fest, and TypeScript 5.4 and 5.7 fail in it. test/types/type-fest.test-d.ts holds them equal.

/** A union of literals that an editor completes, and any other value of the base type. */
export type LiteralUnion<Literal, Base extends string | number> = Literal | (Base & Record<never, never>);

/** A value, or a promise of it. */
export type Promisable<Value> = Value | PromiseLike<Value>;

/** An object of JSON. */
export type JsonObject = { [Key in string]: JsonValue };

/** Any value of JSON. */
export type JsonValue = string | number | boolean | null | JsonObject | JsonValue[] | readonly JsonValue[];
