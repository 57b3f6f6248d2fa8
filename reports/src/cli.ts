import { open, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CorruptDatasetError,
  type DatasetRecord,
  type Failure,
  listDatasets,
  type Provenance,
  type RunRecord,
  readDataset,
  type Sample,
} from '@plumbline/datasets';
import { Command } from 'commander';
import { renderReport } from './page/render.ts';
import { summarise } from './summaries.ts';
import { reportTable } from './table.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What the user asked for cannot be done; the text says what can. */
export class ReportError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'ReportError';
    this.exitCode = exitCode;
  }
}

type Loaded = { run: string; samples: Sample[]; provenance: Provenance[]; failures: Failure[]; runs: RunRecord[] };

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

async function writeJson(file: string, value: unknown): Promise<void> {
  const draft = `${file}.${process.pid}.draft`;
  const handle = await open(draft, 'w');
  try {
    await handle.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}

type Options = { run: string; out: string; json?: string; datasets: string };

/** Runs the command; returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const command = new Command('npm run report --')
    .description('Makes the report of a recorded run: one HTML page that opens from disk, SVG files, and a table here.')
    .option('--run <id>', 'the run to show, or latest', 'latest')
    .option('--out <folder>', 'where to write the report', join(ROOT, 'build', 'report'))
    .option('--json <file>', 'also write the figures as an array of summaries')
    .option('--datasets <folder>', 'where the recorded runs are', join(ROOT, 'datasets', 'results'))
    .allowExcessArguments(false)
    .exitOverride();
  try {
    command.parse([...argv], { from: 'user' });
    const options = command.opts<Options>();
    const loaded = await loadRun(resolve(options.datasets), options.run);
    const { page, svgs, report } = await renderReport({ ...loaded, outDir: resolve(options.out) });
    process.stdout.write(`run ${loaded.run}\n\n${reportTable(report)}\n`);
    if (options.json !== undefined) {
      const file = resolve(options.json);
      await writeJson(file, summarise(loaded.samples, loaded.provenance));
      process.stdout.write(`summaries: ${file}\n`);
    }
    process.stdout.write(`report: ${page} (and ${svgs.length} SVG files beside it)\n`);
    return 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('commander.')) {
      // commander has printed its message or its help already.
      return 'exitCode' in error && error.exitCode === 0 ? 0 : 64;
    }
    if (error instanceof ReportError || error instanceof CorruptDatasetError) {
      process.stderr.write(`${error.message}\n`);
      return error.exitCode;
    }
    if (error instanceof Error && 'syscall' in error) {
      process.stderr.write(`${error.message}\n`);
      return 74;
    }
    throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
