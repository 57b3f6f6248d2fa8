import {
  type DatasetRecord,
  type Failure,
  listDatasets,
  type Provenance,
  type RunRecord,
  readDataset,
  type Sample,
} from '@plumbline/datasets';

/** What the user asked for cannot be done; the text says what can. */
export class ReportError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'ReportError';
    this.exitCode = exitCode;
  }
}

/** The records of one run. */
export type Loaded = {
  run: string;
  samples: Sample[];
  provenance: Provenance[];
  failures: Failure[];
  runs: RunRecord[];
};

const timeOf = (records: readonly DatasetRecord[]) =>
  records.reduce((last, record) => ('time' in record && record.time > last ? record.time : last), '');

/**
 * Reads the records of one run, or of the latest.
 *
 * @param folder holds the dataset files
 * @param run its id, or `latest`
 * @throws ReportError naming the runs there are; CorruptDatasetError naming file, line and field
 */
export async function loadRun(folder: string, run: string): Promise<Loaded> {
  const files = await listDatasets(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const all: DatasetRecord[] = [];
  for (const file of files) {
    const { records, tornBytes } = await readDataset(file);
    if (tornBytes > 0) process.stderr.write(`${file}: the last line is torn (${tornBytes} bytes) and was left out\n`);
    all.push(...records);
  }
  const byRun = new Map<string, DatasetRecord[]>();
  for (const record of all) {
    if (record.kind === 'provenance') continue;
    byRun.set(record.run, [...(byRun.get(record.run) ?? []), record]);
  }
  const runs = [...byRun.keys()].sort((a, b) => (timeOf(byRun.get(a) ?? []) < timeOf(byRun.get(b) ?? []) ? -1 : 1));
  if (runs.length === 0) {
    throw new ReportError(`${folder}: no recorded runs; “npm run bench” makes one`, 66);
  }
  const chosen = run === 'latest' ? runs.at(-1) : run;
  const records = byRun.get(chosen ?? '');
  if (chosen === undefined || records === undefined) {
    throw new ReportError(`--run ${run}: no such run in ${folder}; there are: ${runs.join(', ')}, or say latest`, 64);
  }
  const samples = records.filter((record) => record.kind === 'sample');
  const wanted = new Set(records.flatMap((record) => ('provenance' in record ? [record.provenance] : [])));
  // The same provenance may stand in several files.
  const provenance = new Map(
    all.flatMap((record) =>
      record.kind === 'provenance' && wanted.has(record.id) ? [[record.id, record] as const] : [],
    ),
  );
  return {
    run: chosen,
    samples,
    provenance: [...provenance.values()],
    failures: records.filter((record) => record.kind === 'failure'),
    runs: records.filter((record) => record.kind === 'run'),
  };
}
