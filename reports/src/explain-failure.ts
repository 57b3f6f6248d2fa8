import { CorruptDatasetError } from '@plumbline/datasets';
import { CommanderError } from 'commander';
import { ReportError } from './load-run.ts';

/**
 * Tells the user why a command ended early, where the user can do something about it.
 *
 * @param error anything that a command threw; of commander's own, the text has been printed already
 * @returns the exit code: 0 after --help, 64 (EX_USAGE) for wrong options, 74 (EX_IOERR) where the file system refused,
 *   else the error's own
 * @throws the error itself when it is a fault of ours
 */
export function explainFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 64;
  const code = exitCodeOf(error);
  if (code === undefined || !(error instanceof Error)) throw error;
  process.stderr.write(`${error.message}\n`);
  return code;
}

function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof ReportError || error instanceof CorruptDatasetError) return error.exitCode;
  return error instanceof Error && 'syscall' in error ? 74 : undefined;
}
