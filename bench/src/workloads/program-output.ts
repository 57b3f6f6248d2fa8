import { DeadlineError, pause } from '../deadline.ts';
import { SubjectFailure } from '../subjects/failure.ts';
import type { RunningProgram } from '../subjects/program.ts';

/**
 * Waits until a program has printed the line "done".
 * @param pollMs between two looks at its output
 * @returns what it printed before
 * @throws SubjectFailure when it ends before, DeadlineError when it takes too long
 */
export async function runToDone(running: RunningProgram, deadlineMs: number, pollMs = 5): Promise<string> {
  let end: { reason: string; console: string } | undefined;
  running.ended.then((how) => {
    end = how;
  });
  for (const late = performance.now() + deadlineMs; ; ) {
    const output = running.output();
    const done = /^done$/m.exec(output);
    if (done) return output.slice(0, done.index);
    if (end) throw new SubjectFailure(end.reason, `${output.slice(-4000)}\n${end.console}`);
    if (performance.now() > late) throw new DeadlineError(`the program (${output.slice(-500)})`, deadlineMs);
    await pause(pollMs);
  }
}
