import { constants } from 'node:os';
import { say } from './output.ts';

const signals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs work that the first SIGINT or SIGTERM asks to stop. The second one ends the process at once.
 *
 * @param message says what the work does before it ends
 */
export async function untilStopped<Result>(
  message: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const onSignal = (name: (typeof signals)[number]): void => {
    if (controller.signal.aborted) endBy(name);
    say(`${name}: ${message} A second signal stops at once.`);
    controller.abort();
  };
  for (const name of signals) process.on(name, onSignal);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of signals) process.off(name, onSignal);
  }
}

/** Ends the process as the signal does by itself, because `process.exit` waits for a disk that hangs. */
const endBy = (name: (typeof signals)[number]): never => {
  process.removeAllListeners(name);
  process.kill(process.pid, name);
  process.exit(128 + constants.signals[name]); // Linux ignores such a signal in the first process of a container.
};
