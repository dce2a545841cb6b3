/** The service that a client talks to, with the hints that its error messages end in: a sentence on what to do, or `''`. */
export interface HttpService {
  /** The subject of error messages, `PlanetScale`. */
  readonly name: string;
  /** For a status of 400 or more. */
  hintForStatus(status: number): string;
  readonly hintForRedirect: string;
  readonly hintForTimeout: string;
}
