/**
 * The one error class for mistakes a user can mend. Anything else that is thrown is a bug and is
 * printed with its stack. This file imports nothing.
 */

/** What went wrong, where, and how to mend it; each a full clause without a final period. */
export interface Problem {
  readonly what: string;
  /** File, table, row and column, or the flag; left out when there is no place to name. */
  readonly where?: string;
  readonly fix: string;
  /** 2 for wrong use (a flag, a name), 1 for what failed on the way. Default 1. */
  readonly exitCode?: 1 | 2;
  readonly cause?: unknown;
}

/** A mistake the user can mend; printed as `error / where / fix`, without a stack. */
export class BenchError extends Error {
  readonly where: string | undefined;
  readonly fix: string;
  readonly exitCode: 1 | 2;

  constructor(problem: Problem) {
    super(problem.what, problem.cause === undefined ? undefined : { cause: problem.cause });
    this.name = "BenchError";
    this.where = problem.where;
    this.fix = problem.fix;
    this.exitCode = problem.exitCode ?? 1;
  }

  /** The three-line message for a terminal. */
  render(): string {
    const where = this.where === undefined ? "" : `where: ${this.where}\n`;
    return `error: ${this.message}\n${where}fix:   ${this.fix}`;
  }
}
