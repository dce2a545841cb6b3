/** The maximum of a timer, 2^31 - 1 ms. A timer with a longer time fires at once. */
export const maxTimerMs = 2 ** 31 - 1;

/**
 * Waits for any number of milliseconds, and rejects with the signal's reason after an abort. No timer and no listener stays
 * behind, so that one signal can serve a process for years.
 */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; left > 0; left -= maxTimerMs) {
    await waitForTimer(Math.min(left, maxTimerMs), signal);
  }
  signal?.throwIfAborted();
}

const waitForTimer = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
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
