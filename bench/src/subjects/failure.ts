/** A subject that crashed, ended or did not answer: a result with its console, not an error of the bench. */
export class SubjectFailure extends Error {
  /** Panic text, or the last lines of the console. */
  readonly console: string;
  constructor(reason: string, console: string) {
    super(reason);
    this.name = 'SubjectFailure';
    this.console = console;
  }
}
