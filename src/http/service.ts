/** Whom requests go to, as error messages have it. Each advice is a sentence that says what to do, or `''`. */
export interface HttpService {
  readonly name: string;
  /** About a status of 400 or more. */
  hintForStatus(status: number): string;
  readonly hintForRedirect: string;
  readonly hintForTimeout: string;
}
