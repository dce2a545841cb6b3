/** An operation that a poller awaits. */
export interface AwaitedOperation<Result> {
  /** Changes the world as the operation does, and returns the operation's result. */
  readonly effect: () => Result;
  /** The error of a fault before or after the effect. */
  readonly failure: () => Error;
  /** Replaces an abort of the poller's signal, and the effect after it, if the fault is 'stop'. */
  readonly onStop?: () => Result;
}

/** Waits for the turn of an operation, and then performs it with the fault that the schedule has for that turn. */
export type TakeTurn = <Result>(operation: AwaitedOperation<Result>) => Promise<Result>;
