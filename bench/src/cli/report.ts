import { join } from 'node:path';
import type { DatasetRecord, Summary } from '@plumbline/datasets';
import { renderReport, summarise } from '@plumbline/reports';
import { REPOSITORY } from '../runner/run-store.ts';

/** The records of one kind. */
export const of = <K extends DatasetRecord['kind']>(records: readonly DatasetRecord[], kind: K) =>
  records.filter((record): record is Extract<DatasetRecord, { kind: K }> => record.kind === kind);

/** The figures over boots of a run, as --json writes them. */
export function summariesOf(records: readonly DatasetRecord[]): Summary[] {
  return summarise(of(records, 'sample'), of(records, 'provenance'));
}

/** Writes the page of a run. @returns its path. */
export async function writeReport(records: readonly DatasetRecord[], run: string): Promise<string> {
  const { page } = await renderReport({
    samples: of(records, 'sample'),
    provenance: of(records, 'provenance'),
    failures: of(records, 'failure'),
    runs: of(records, 'run'),
    outDir: join(REPOSITORY, 'build', 'report', run),
  });
  return page;
}
