/** The service that a client talks to. Each hint is a sentence on what to do, or `''`, and ends an error message. */
export interface HttpService {
  /** The subject of error messages, such as `PlanetScale`. */
  readonly name: string;
  /** The body of its errors is JSON or empty. Any other body then comes from a proxy or a firewall. */
  readonly errorsAreJson: boolean;
  /** Returns the hint for a status of 400 or more. */
  hintForStatus(status: number): string;
  readonly hintForRedirect: string;
  readonly hintForTimeout: string;
}
