/** What the environment sets. The README lists the variables. */
const numberOf = (name: string, fallback: number): number => {
  const value = Number(process.env[name] || fallback);
  if (value > 0) return value;
  throw new Error(`${name} is no number above 0. Correct it in the environment.`);
};

export const redisUrl = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
export const destinationUrl = process.env.DESTINATION_URL ?? 'http://127.0.0.1:8081/';
export const organizationsFile = process.env.ORGANIZATIONS ?? './organizations.json';
/** The time from the start of one run of an organization to the start of its next. */
export const intervalMs = numberOf('POLL_SECONDS', 60) * 1000;
/** How many organizations a worker reads at the same time. */
export const concurrency = numberOf('CONCURRENCY', 20);
export const statusPort = numberOf('STATUS_PORT', 8080);
