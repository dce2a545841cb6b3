/** The size of a trial, from the environment. */
const numberOf = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);

export const settings = {
  organizations: numberOf('ORGANIZATIONS', 50),
  workers: numberOf('WORKERS', 2),
  kills: numberOf('KILLS', 5),
  seconds: numberOf('SECONDS', 60),
  /** How long everything may take to catch up after the last fault. */
  sweepSeconds: numberOf('SWEEP_SECONDS', 600),
  seed: numberOf('SEED', Date.now() % 2 ** 31),
  /** The jobs that a worker runs at the same time. */
  concurrency: 5,
} as const;

/** Some 25 runs a second in all. */
export const pollSeconds = Math.max(2, settings.organizations / 25);
/** Stops of the database, each for up to three seconds. */
export const outages = Math.max(2, Math.round(settings.seconds / 30));
