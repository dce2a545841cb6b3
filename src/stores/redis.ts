import { hasMethod } from '../internal/has-method.ts';
import type { Promisable } from '../internal/types.ts';
import { unknownAnswerError, unknownClientError } from './client-shape.ts';
import type { AtomicCursorStore } from './cursor-store.ts';
import { databaseCursorStore, type FailureHints } from './database-store.ts';

/** The part of a client of Redis that the store calls: a client of `redis` or `ioredis`. */
export type RedisLike =
  | {
      /** Runs a script. */
      eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
      /** Tells `redis` from `ioredis`. */
      evalSha(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
    }
  | {
      /** Runs a script. */
      eval(script: string, keyCount: number, ...args: string[]): Promise<unknown>;
      /** Tells `ioredis` from `redis`. */
      defineCommand(name: string, definition: { lua: string }): void;
    };

const failures: FailureHints = {
  owner: 'redisCursorStore',
  clients: 'a client of redis or ioredis, and no MULTI or pipeline',
  unreadable: 'Pass a client that returns texts, and no MULTI or pipeline.',
  otherwise: 'Make sure that Redis runs, and that this client can reach it.',
  hints: [
    {
      pattern: /\bEVICTS\b/,
      advice: 'Run CONFIG SET maxmemory-policy noeviction, or use a Redis that keeps all of its keys.',
      retryable: false,
    },
    // A failover may make this server the master, or end the connection to it.
    { pattern: /\bREADONLY\b/, advice: 'Connect to the master, because a replica saves nothing.', retryable: true },
    { pattern: /\bOOM\b/, advice: 'Raise maxmemory, or delete other keys.', retryable: true },
    {
      pattern: /\bNOPERM\b|No permissions to access a key|can't run this command/,
      advice: 'Allow this user the commands EVAL, GET, SET and INFO on the key.',
      retryable: false,
    },
    { pattern: /\bNOAUTH\b|\bWRONGPASS\b/, advice: 'Give the client the user and the password.', retryable: false },
    {
      pattern: /\bWRONGTYPE\b/,
      advice: 'Give the poller another key, because this one holds no text.',
      retryable: false,
    },
    {
      pattern: /The client is closed/,
      advice: 'Connect the client before the poller starts, and close it after the poller has ended.',
      retryable: false,
    },
  ],
};

/**
 * A Redis that evicts keys without an expiry may have evicted the cursor, so that a missing key says nothing. A user without the
 * permission for INFO does without this check.
 */
const refuseEviction = `
local info = redis.pcall('INFO', 'memory')
if type(info) == 'table' then info = info.txt or info.verbatim_string and info.verbatim_string.string or '' end
if string.find(info, 'maxmemory_policy:allkeys', 1, true) and not string.find(info, 'maxmemory:0\\r', 1, true) then
  return redis.error_reply('EVICTS maxmemory-policy lets Redis delete any key')
end`;

const getScript = `${refuseEviction}
return redis.call('GET', KEYS[1])`;

const setScript = `${refuseEviction}
return redis.call('SET', KEYS[1], ARGV[1])`;

/** Without a second argument, the key must be missing. */
const compareAndSetScript = `${refuseEviction}
if (redis.call('GET', KEYS[1]) or nil) ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1`;

/**
 * Returns a store that keeps cursors in Redis, as one string without an expiry under each key. Each call is one EVAL, so that
 * `compareAndSet` is atomic between all clients of the server.
 *
 * Redis must keep what it has: set `maxmemory-policy noeviction`, and `appendonly yes`. The store refuses a Redis that evicts keys
 * without an expiry. Without persistence, a restart of Redis loses the cursor.
 *
 * Both clients queue commands while Redis is down, and a poller then waits with them. Set `disableOfflineQueue: true` (redis) or
 * `enableOfflineQueue: false` (ioredis), so that a call throws instead.
 *
 * @throws `AuditConfigError` if the client is of an unknown shape.
 * @example
 * ```ts
 * import { createClient } from 'redis';
 * import { PlanetScaleAuditClient, poller } from 'planetscale-audit';
 * import { redisCursorStore } from 'planetscale-audit/stores';
 *
 * const redis = createClient({ disableOfflineQueue: true });
 * redis.on('error', (error) => console.error(error.message));
 * await redis.connect();
 * const store = redisCursorStore(redis);
 * for await (const event of poller(PlanetScaleAuditClient.fromEnv(), { store })) console.log(event.audit_action);
 * ```
 */
export function redisCursorStore(client: RedisLike): AtomicCursorStore {
  const run = evalWith(client);
  const isSaved = async (key: string, args: string[]): Promise<boolean> => {
    const reply = Number(await run(compareAndSetScript, key, args));
    if (reply !== 0 && reply !== 1) throw unknownAnswerError(failures.owner, failures.clients);
    return reply === 1;
  };
  return databaseCursorStore(
    {
      async load(key) {
        const value = await run(getScript, key, []);
        return value === null ? undefined : { value };
      },
      async save(key, value) {
        if ((await run(setScript, key, [value])) !== 'OK') throw unknownAnswerError(failures.owner, failures.clients);
      },
      insert: (key, value) => isSaved(key, [value]),
      replace: (key, expected, next) => isSaved(key, [next, expected]),
    },
    failures,
  );
}

type Eval = (script: string, key: string, args: string[]) => Promisable<unknown>;

const evalWith = (client: RedisLike): Eval => {
  if (hasMethod(client, 'eval')) {
    if (hasMethod(client, 'defineCommand')) return (script, key, args) => client.eval(script, 1, key, ...args);
    if (hasMethod(client, 'evalSha'))
      return (script, key, args) => client.eval(script, { keys: [key], arguments: args });
  }
  throw unknownClientError(failures.owner, client, failures.clients);
};
