/** A timer takes at most 2^31 - 1 ms: one that is set to more fires at once. */
export const maxTimerMs = 2 ** 31 - 1;

/**
 * Waits, however long. An abort rejects with the signal's reason. Neither a timer nor a listener is left behind, so one
 * signal serves a process that runs for years.
 */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; left > 0; left -= maxTimerMs) {
    await timer(Math.min(left, maxTimerMs), signal);
  }
  signal?.throwIfAborted();
}

const timer = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = () => {
      clearTimeout(timeout);
      reject(signal?.reason);
    };
    const timeout = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
