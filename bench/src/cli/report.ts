import { join } from 'node:path';
import type { DatasetRecord, Summary } from '@plumbline/datasets';
import { renderReport, summarise, terminalTable } from '@plumbline/reports';
import { REPOSITORY } from '../runner/run-store.ts';

/** The records of one kind. */
export const of = <K extends DatasetRecord['kind']>(records: readonly DatasetRecord[], kind: K) =>
  records.filter((record): record is Extract<DatasetRecord, { kind: K }> => record.kind === kind);

/** The figures over boots of a run, as --json writes them. */
export function summariesOf(records: readonly DatasetRecord[]): Summary[] {
  return summarise(of(records, 'sample'), of(records, 'provenance'));
}

const inputOf = (records: readonly DatasetRecord[]) => ({
  samples: of(records, 'sample'),
  provenance: of(records, 'provenance'),
  failures: of(records, 'failure'),
  runs: of(records, 'run'),
});

/** Writes the page of a run. @returns its path. */
export async function writeReport(records: readonly DatasetRecord[], run: string): Promise<string> {
  return (await renderReport({ ...inputOf(records), outDir: join(REPOSITORY, 'build', 'report', run) })).page;
}

/** The same figures for the terminal. */
export function tableOf(records: readonly DatasetRecord[]): string {
  return terminalTable(inputOf(records));
}
