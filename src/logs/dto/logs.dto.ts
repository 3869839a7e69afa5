/** The last lines of a program's output, byte for byte; what is not UTF-8 is replaced. */
export class LogsDto {
  /** @example "[2025-01-15 10:30:00] Processing: job-123\n[2025-01-15 10:30:01] Completed: job-123" */
  stdout: string;

  /** @example "" */
  stderr: string;

  /** A limit (8 MiB a stream; in a search also 64 MiB read, 2 s) cut it short. Absent otherwise. */
  truncated?: true;
}
