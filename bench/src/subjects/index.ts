import { UsageError } from '../errors.ts';
import { echo } from './echo.ts';
import { linuxGuest } from './linux-guest.ts';
import { linuxHost } from './linux-host.ts';
import { plumbline } from './plumbline.ts';
import { plumblineUnmodified } from './plumbline-unmodified.ts';
import type { Subject } from './subject.ts';

export { SubjectFailure } from './failure.ts';
export { generatorProgram } from './generator.ts';
export { GeneratorPool } from './generator-pool.ts';
export * from './service.ts';
export * from './subject.ts';

/** Everything that can be measured, in the order of reports. */
export const SUBJECTS: readonly Subject[] = [plumbline, plumblineUnmodified, echo, linuxHost, linuxGuest];

/**
 * A subject by name.
 * @throws UsageError naming what is available.
 */
export function findSubject(id: string): Subject {
  const subject = SUBJECTS.find((candidate) => candidate.id === id);
  if (subject) return subject;
  const available = SUBJECTS.map((candidate) => candidate.id).join(', ');
  throw UsageError.badValue('--subject', id, available);
}
