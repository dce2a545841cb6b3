/**
 * Cursor stores in databases, each over a client of yours.
 *
 * @module planetscale-audit/stores
 */

export type { AtomicCursorStore, CursorStore } from './stores/cursor-store.ts';
export { type CursorTableDialect, type CursorTableOptions, cursorTableDdl } from './stores/cursor-table.ts';
export { type MysqlLike, mysqlCursorStore } from './stores/mysql.ts';
export { type PostgresLike, postgresCursorStore } from './stores/postgres.ts';
export { type RedisLike, redisCursorStore } from './stores/redis.ts';
export { type SqliteLike, sqliteCursorStore } from './stores/sqlite.ts';
