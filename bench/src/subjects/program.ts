import type { AddedFile } from '@plumbline/variants';
import type { SubjectEnd } from './subject.ts';

/** A program for Linux that subjects run: the same bytes on every one. */
export interface SubjectProgram {
  /** Debian packages that have it and its libraries. */
  readonly packages: readonly string[];
  /** The program's absolute path on the subject, and its arguments. Those that name one of `files` may be adapted. */
  readonly argv: readonly [string, ...string[]];
  /** Files of ours that it needs, among them the program itself when it is in no package. */
  readonly files: readonly AddedFile[];
}

/** A program under way. */
export interface RunningProgram {
  /** CLOCK_MONOTONIC, ns, right before the VMM or the process was started. */
  readonly startedNs: bigint;
  /** What it has printed so far. */
  output(): string;
  /** Settles when it has ended, whoever ended it. */
  readonly ended: Promise<SubjectEnd>;
  /** Socket of the counting plugin, when counting. */
  readonly countingSocket?: string;
  stop(): Promise<void>;
}
