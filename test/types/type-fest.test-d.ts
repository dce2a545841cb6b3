import type {
  AtomicCursorStore,
  AuditAction,
  CursorStore,
  JsonObject,
  JsonValue,
  knownAuditActions,
  LiteralUnion,
  Promisable,
} from 'planetscale-audit';
import type * as typeFest from 'type-fest';
import { expectTypeOf, test } from 'vitest';

// The published types import nothing of type-fest. They have these types of their own instead.

test("Promisable, JsonObject and JsonValue are type-fest's", () => {
  expectTypeOf<Promisable<string>>().toEqualTypeOf<typeFest.Promisable<string>>();
  expectTypeOf<JsonObject>().toEqualTypeOf<typeFest.JsonObject>();
  expectTypeOf<JsonValue>().toEqualTypeOf<typeFest.JsonValue>();
});

test("LiteralUnion is type-fest's, and so is AuditAction", () => {
  expectTypeOf<LiteralUnion<'a' | 'b', string>>().toEqualTypeOf<typeFest.LiteralUnion<'a' | 'b', string>>();
  expectTypeOf<LiteralUnion<404, number>>().toEqualTypeOf<typeFest.LiteralUnion<404, number>>();
  expectTypeOf<AuditAction>().toEqualTypeOf<typeFest.LiteralUnion<(typeof knownAuditActions)[number], string>>();
});

test('AtomicCursorStore is a CursorStore in which compareAndSet is required, and has nothing else', () => {
  expectTypeOf<AtomicCursorStore>().branded.toEqualTypeOf<typeFest.SetRequired<CursorStore, 'compareAndSet'>>();
});
