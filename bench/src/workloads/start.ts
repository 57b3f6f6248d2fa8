import { messageOf } from '../errors.ts';
import type { AnsweredEvent } from '../generator/protocol.ts';
import { SubjectFailure } from '../subjects/failure.ts';
import type { BootConfig, PreparedSubject, RunningSubject } from '../subjects/subject.ts';
import { lastLines } from '../vmm/index.ts';

/** A subject that has answered. */
export interface AnsweringSubject {
  readonly running: RunningSubject;
  readonly answer: AnsweredEvent;
  /** Waits for work with the subject, but fails as soon as the subject ends. */
  orFailure<T>(work: Promise<T>): Promise<T>;
}

/** A VMM that ends takes its connection away before its exit status is known: wait so long for its own words. */
const LAST_WORDS_MS = 1_000;

/**
 * Starts a subject and waits for its first answer.
 * @throws SubjectFailure when it ends or stays silent.
 */
export async function startAnswering(prepared: PreparedSubject, config: BootConfig): Promise<AnsweringSubject> {
  const running = await prepared.boot(config);
  const gone = running.ended.then((end): never => {
    throw new SubjectFailure(end.reason, end.console);
  });
  gone.catch(() => {});
  const orFailure = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await Promise.race([work, gone]);
    } catch (error) {
      if (error instanceof SubjectFailure) throw error;
      await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS))]);
      throw new SubjectFailure(messageOf(error), lastLines(running.console()));
    } finally {
      work.catch(() => {});
    }
  };
  const answer = await orFailure(running.answered);
  return { running, answer, orFailure };
}
