/** An error whose text tells the user what to do; the command ends with its exit code and prints no stack. */
export class UserError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.exitCode = exitCode;
  }
}

/** A wrong option or value on the command line. Exit code 64 (EX_USAGE). */
export class UsageError extends UserError {
  constructor(message: string) {
    super(message, 64);
  }

  /** Names option, value and what is allowed. */
  static badValue(option: string, value: string, allowed: string): UsageError {
    return new UsageError(`option ${option}: "${value}" is not allowed. Allowed: ${allowed}.`);
  }
}

/** The machine lacks something (a device, a program, a free address). Exit code 69 (EX_UNAVAILABLE). */
export class EnvironmentError extends UserError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, 69, options);
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
