/** One command of the command line. */
export interface Command {
  /** One sentence, for the list of commands. */
  readonly summary: string;
  /** At most a screen. */
  readonly help: string;
  /**
   * Runs the command with what follows its name. Resolves with the exit status.
   *
   * @throws UsageError for a mistake in the arguments
   */
  run(args: readonly string[]): Promise<number>;
}
