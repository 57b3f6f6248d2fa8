/** Set-up cannot go on; the message says what to do. Exit code 69 (EX_UNAVAILABLE) unless given. */
export class SetupError extends Error {
  constructor(message, exitCode = 69) {
    super(message);
    this.exitCode = exitCode;
  }
}
