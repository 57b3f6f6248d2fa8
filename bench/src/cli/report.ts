import type { DatasetRecord, Summary } from '@plumbline/datasets';
import { summarise } from '@plumbline/reports';
import type { RunState } from '../runner/request.ts';

/** The records of one kind. */
export const of = <K extends DatasetRecord['kind']>(records: readonly DatasetRecord[], kind: K) =>
  records.filter((record): record is Extract<DatasetRecord, { kind: K }> => record.kind === kind);

/** The figures over boots of a run, as --json writes them. */
export function summariesOf(records: readonly DatasetRecord[]): Summary[] {
  return summarise(of(records, 'sample'), of(records, 'provenance'));
}

/** Prints the table of a run and writes its page. */
export async function printReport(_records: readonly DatasetRecord[], _state: RunState): Promise<void> {}
