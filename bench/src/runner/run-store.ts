import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DatasetRecord, readDataset } from '@plumbline/datasets';
import { takeLockFile } from '@plumbline/variants';
import { BenchError, EnvironmentError, messageOf, UsageError } from '../errors.ts';
import { pointKey, type RunRequest, type RunState, runStateSchema } from './request.ts';

export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const RUNS = join(REPOSITORY, 'build', 'runs');
const RESULTS = join(REPOSITORY, 'datasets', 'results');

/** Where runs are kept. */
export interface RunPlaces {
  readonly runs: string;
  readonly results: string;
}
export const RUN_PLACES: RunPlaces = { runs: RUNS, results: RESULTS };

/** A run's id: its time, so that files sort, and chance. */
function newRunId(now = new Date()): string {
  const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${time}-${randomBytes(2).toString('hex')}`;
}

function stateFile(places: RunPlaces, run: string): string {
  return join(places.runs, run, 'state.json');
}

/** Stores a run's state: whole, on the disk, or not at all. */
export function saveRun(state: RunState, places = RUN_PLACES): void {
  const file = stateFile(places, state.run);
  try {
    mkdirSync(join(places.runs, state.run), { recursive: true });
    const handle = openSync(`${file}.new`, 'w');
    try {
      writeSync(handle, `${JSON.stringify(runStateSchema.parse(state), undefined, 2)}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(`${file}.new`, file);
  } catch (error) {
    throw new BenchError(
      `${file}: the run's state cannot be stored (${messageOf(error)}). Nothing else was changed.`,
      74,
    );
  }
}

/** A new run; nothing is stored before {@link saveRun}. */
export function newRun(
  command: RunState['command'],
  request: RunRequest,
  dataset: string | undefined,
  places = RUN_PLACES,
): RunState {
  const run = newRunId();
  return {
    version: 1,
    run,
    command,
    request,
    dataset: dataset === undefined ? join(places.results, `${run}.jsonl`) : resolve(dataset),
    started: new Date().toISOString(),
    finished: false,
  };
}

function loadRun(run: string, places: RunPlaces): RunState {
  const file = stateFile(places, run);
  try {
    return runStateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new BenchError(
      `${file}: not the state of a run (${messageOf(error)}). Remove its folder to forget that run.`,
      65,
    );
  }
}

/** The youngest run that was interrupted, if any. */
export function lastUnfinishedRun(places = RUN_PLACES): RunState | undefined {
  if (!existsSync(places.runs)) return undefined;
  const runs = readdirSync(places.runs)
    .filter((run) => existsSync(stateFile(places, run)))
    .sort()
    .reverse();
  for (const run of runs) {
    const state = loadRun(run, places);
    if (!state.finished && state.command === 'bench') return state;
  }
  return undefined;
}

/**
 * The run to resume.
 * @param run its id, or undefined for the youngest that was interrupted.
 */
export function findRun(run: string | undefined, places = RUN_PLACES): RunState {
  if (run === undefined) {
    const state = lastUnfinishedRun(places);
    if (!state) throw new UsageError('option --resume: no run was interrupted.');
    return state;
  }
  if (!/^[\w-]+$/.test(run) || !existsSync(stateFile(places, run))) {
    const known = existsSync(places.runs) ? readdirSync(places.runs).filter((name) => !name.startsWith('.')) : [];
    throw UsageError.badValue('--resume', run, known.slice(-5).join(', ') || 'nothing, there is no run');
  }
  return loadRun(run, places);
}

/** Keys of the points that a record marks as done. */
export function doneKeys(records: readonly DatasetRecord[], run: string): Set<string> {
  const keys = records.flatMap((record) =>
    (record.kind === 'sample' || record.kind === 'failure') && record.run === run
      ? [pointKey({ ...record, index: record.boot.index })]
      : [],
  );
  return new Set(keys);
}

/** The points that a run has done, from its dataset. */
export async function readDone(state: RunState): Promise<Set<string>> {
  return existsSync(state.dataset) ? doneKeys((await readDataset(state.dataset)).records, state.run) : new Set();
}

/**
 * Makes this process the only one that measures: two at once would measure each other.
 * @returns a function that lets go.
 * @throws EnvironmentError naming the other process.
 */
export function takeMeasurementLock(places = RUN_PLACES): () => void {
  mkdirSync(places.runs, { recursive: true });
  const attempt = takeLockFile(join(places.runs, '.lock'));
  if ('release' in attempt) return attempt.release;
  throw new EnvironmentError(
    `another measurement is under way (process ${attempt.holder}); two at once would disturb each other. Wait for it, or end it with: kill ${attempt.holder}`,
  );
}
