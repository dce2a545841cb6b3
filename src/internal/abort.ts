/**
 * Resolves or rejects as the promise does. After an abort it rejects at once with the signal's reason, even if the promise ignores
 * the signal or rejects with an error of its own.
 */
export async function raceAbort<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
  });
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Returns a signal that aborts with the caller's until `release` is called. An abort before this call is not passed on, so check
 * the caller's signal first. `fetch` leaves its listener on a signal until the signal is collected, and the caller's signal may
 * live for years.
 */
export function followSignal(signal: AbortSignal | undefined): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  return { signal: controller.signal, release: () => signal?.removeEventListener('abort', abort) };
}
