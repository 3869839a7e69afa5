/** What is known about why an instance failed. */
export interface FailureReport {
  /** In words. */
  diagnosis: string;
  /** Its last lines. */
  stderr: string[];
}

/** Tells what is known about the last failure of an instance; asked shortly after the change to FATAL. */
export abstract class FailureDetails {
  /** null when nothing is known. */
  abstract failureOf(
    program: string,
    port: number | null,
  ): FailureReport | null | Promise<FailureReport | null>;
}
