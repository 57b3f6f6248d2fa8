import { writeFileSync } from 'node:fs';
import { readDataset, type SubjectId } from '@plumbline/datasets';
import { PRESETS, parseVariant } from '@plumbline/variants';
import { BenchError, messageOf } from '../errors.ts';
import type { RunRequest } from '../runner/request.ts';
import { measureRun, type RunBeginning, type RunOutcome } from '../runner/run.ts';
import { findRun, lastUnfinishedRun, newRun } from '../runner/run-store.ts';
import { findSubject, SUBJECTS } from '../subjects/index.ts';
import { parseAcceleratorRequest } from '../vmm/index.ts';
import { findWorkload, type Scope, WORKLOADS } from '../workloads/index.ts';
import { runCommand } from './exit.ts';
import { command, integer, list, parseArguments } from './options.ts';

const names = (items: readonly { id: string }[]): string => items.map((item) => item.id).join(', ');
const each = (value: string, before: readonly string[] = []): string[] => [...before, value];

function makeProgram() {
  return command('bench', 'Measures our kernel and Linux under the same load and writes a report.')
    .option('--workload <name>', `what to do, several by comma: ${names(WORKLOADS)} (default: all)`, list)
    .option('--subject <name>', `what to measure, several by comma: ${names(SUBJECTS)} (default: all)`, list)
    .option(
      '--variant <preset>',
      `variants of our kernel: ${Object.keys(PRESETS).join(', ')} or dimension=value,...; repeat for more (default: all presets)`,
      each,
    )
    .option(
      '--boots <n>',
      'boots of each condition (default: 5, quick: 3), and up to 10 more where a comparison lacks a common placement of the cores',
      integer('--boots', 1, 1000),
    )
    .option('--accel <name>', 'auto, kvm or tcg', 'auto')
    .option('--quick', 'three boots and fewer points, under 6 minutes; prints raw points and no significance')
    .option('--full', 'more windows, longer points, all variants everywhere; takes long')
    .option(
      '--seed <n>',
      'decides the order of the boots and the requests (default: from the clock)',
      integer('--seed', 0, 0xffffffff),
    )
    .option('--json <file>', 'write the summaries as a JSON array')
    .option('--out <file>', 'the dataset file (default: one of its own in datasets/results)')
    .option('--resume [run]', 'continue an interrupted run (default: the last one)');
}

interface BenchOptions {
  workload?: string[];
  subject?: string[];
  variant?: string[];
  boots?: number;
  accel: string;
  quick?: boolean;
  full?: boolean;
  seed?: number;
  json?: string;
  out?: string;
  resume?: string | true;
}

function requestOf(options: BenchOptions): RunRequest {
  if (options.quick && options.full) throw new BenchError('options --quick and --full exclude each other.', 64);
  const scope: Scope = options.quick ? 'quick' : options.full ? 'full' : 'default';
  const subjects = (options.subject ?? SUBJECTS.map((subject) => subject.id)).map(
    (id): SubjectId => findSubject(id).id,
  );
  const variants = options.variant ?? Object.keys(PRESETS);
  for (const variant of variants) parseVariant(variant);
  return {
    workloads: (options.workload ?? WORKLOADS.map((workload) => workload.id)).map((id) => findWorkload(id).id),
    subjects,
    variants,
    boots: options.boots ?? (scope === 'quick' ? 3 : 5),
    accelerator: parseAcceleratorRequest(options.accel),
    scope,
    seed: options.seed ?? Date.now() % 0x1_0000_0000,
  };
}

/** What --resume cannot be combined with: the interrupted run has decided these. */
const DECIDED = ['workload', 'subject', 'variant', 'boots', 'quick', 'full', 'seed', 'out'] as const;

function beginningOf(options: BenchOptions): RunBeginning {
  if (options.resume !== undefined) {
    const conflict = DECIDED.find((name) => options[name] !== undefined);
    if (conflict)
      throw new BenchError(
        `option --${conflict} cannot be combined with --resume: the interrupted run has decided it.`,
        64,
      );
    const state = findRun(options.resume === true ? undefined : options.resume);
    return { request: state.request, state: () => state };
  }
  const request = requestOf(options);
  const interrupted = lastUnfinishedRun();
  if (interrupted)
    process.stdout.write(
      `Run ${interrupted.run} was interrupted; continue it with: npm run bench -- --resume ${interrupted.run}\n`,
    );
  return { request, state: () => newRun('bench', request, options.out) };
}

async function finish(outcome: RunOutcome, json: string | undefined): Promise<number> {
  // Drawing is loaded when there is something to draw: --help and errors answer at once.
  const { summariesOf, tableOf, writeReport } = await import('./report.ts');
  const { records } = await readDataset(outcome.state.dataset);
  const own = records.filter((record) => record.kind === 'provenance' || record.run === outcome.state.run);
  if (json !== undefined) {
    try {
      writeFileSync(json, `${JSON.stringify(summariesOf(own), undefined, 2)}\n`);
    } catch (error) {
      throw new BenchError(
        `option --json: ${json} cannot be written (${messageOf(error)}). The samples are in ${outcome.state.dataset}.`,
        73,
      );
    }
  }
  const page = await writeReport(own, outcome.state.run);
  process.stdout.write(`\n${tableOf(own)}\n\nReport: ${page}\nSamples: ${outcome.state.dataset}\n`);
  return outcome.failures.length === 0 ? 0 : 1;
}

await runCommand(async () => {
  const program = makeProgram();
  if (!parseArguments(program, process.argv.slice(2))) return 0;
  const options = program.opts<BenchOptions>();
  const outcome = await measureRun(beginningOf(options), {
    out: process.stdout,
    command: ['bench', ...process.argv.slice(2)],
  });
  return finish(outcome, options.json);
});
