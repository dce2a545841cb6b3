// What the fleet knows of each organization: a hash `fleet:organization:<name>`.
import type { Outcome } from './outcome.ts';
import { redis } from './redis.ts';
import type { OrganizationStatus } from './status-html.ts';

const prefix = 'fleet:organization:';
const known = 'fleet:organizations';
const keyOf = (organization: string): string => prefix + organization;

/** Adds organizations that are new. */
export async function addOrganizations(organizations: readonly string[]): Promise<void> {
  if (organizations.length > 0) await redis.sadd(known, ...organizations);
}

/** Returns whether an organization should run now. It should not while it is parked, or backs off after a failure. */
export async function isDue(organization: string): Promise<boolean> {
  const [isParked, nextRunAt] = await redis.hmget(keyOf(organization), 'isParked', 'nextRunAt');
  return !isParked && Number(nextRunAt ?? 0) <= Date.now();
}

/** Returns how many runs of an organization have failed in a row. */
export const failuresOf = async (organization: string): Promise<number> =>
  Number((await redis.hget(keyOf(organization), 'failures')) ?? 0);

export async function record(organization: string, outcome: Outcome): Promise<void> {
  const key = keyOf(organization);
  switch (outcome.kind) {
    case 'succeeded':
      await redis
        .multi()
        .hset(key, { lastSuccessAt: Date.now() })
        .hdel(key, 'failures', 'nextRunAt', 'lastError')
        .exec();
      break;
    case 'failed':
      await redis
        .multi()
        .hset(key, { nextRunAt: Date.now() + outcome.nextRunInMs, lastError: outcome.message })
        .hincrby(key, 'failures', 1)
        .exec();
      break;
    case 'parked':
      await redis.hset(key, { isParked: 1, lastError: outcome.message });
      break;
    case 'ignored': // The other run records its own outcome.
  }
}

/** Lets a parked organization run again. Returns whether the fleet knows it. */
export async function resume(organization: string): Promise<boolean> {
  if (!(await redis.sismember(known, organization))) return false;
  await redis.hdel(keyOf(organization), 'isParked', 'failures', 'nextRunAt');
  return true;
}

const stateOf = ({
  isParked,
  failures,
  lastSuccessAt,
}: Readonly<Record<string, string>>): OrganizationStatus['state'] => {
  if (isParked) return 'parked';
  if (failures) return 'failing';
  return lastSuccessAt ? 'ok' : 'new';
};

export async function readStatus(): Promise<readonly OrganizationStatus[]> {
  const organizations = (await redis.smembers(known)).sort();
  const hashes = await Promise.all(organizations.map((organization) => redis.hgetall(keyOf(organization))));
  return organizations.map((organization, index) => {
    const hash = hashes[index] ?? {};
    return {
      organization,
      state: stateOf(hash),
      lastSuccessAt: hash.lastSuccessAt ? new Date(Number(hash.lastSuccessAt)) : undefined,
      lastError: hash.lastError,
    };
  });
}
