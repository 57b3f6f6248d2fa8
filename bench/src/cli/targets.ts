import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRIC_UNITS, readDataset } from '@plumbline/datasets';
import { baselineName, TARGETS, type Target, type TargetFigure } from '../../targets.ts';
import { BenchError, messageOf, UsageError } from '../errors.ts';
import { leastBoots } from '../runner/coverage.ts';
import type { RunRequest } from '../runner/request.ts';
import { measureRun } from '../runner/run.ts';
import { newRun, REPOSITORY } from '../runner/run-store.ts';
import type { Verdict } from '../runner/verdict.ts';
import { parseAcceleratorRequest } from '../vmm/index.ts';
import { runCommand } from './exit.ts';
import { command, integer, parseArguments } from './options.ts';

const GROUPS = [...new Set(TARGETS.map((target) => target.group))];

const program = command(
  'targets',
  'Measures the performance targets of the project and judges them. Exit code 1 unless all hold.',
)
  .option('--group <name>', `only the targets of a group: ${GROUPS.join(', ')}`)
  .option('--quick', 'three boots and shorter points: figures without intervals, judged from two boots on')
  .option(
    '--boots <n>',
    'boots of each condition (default: 5, quick: 3), at least 5 (quick: 2)',
    integer('--boots', 2, 1000),
  )
  .option('--accel <name>', 'auto, kvm or tcg', 'auto')
  .option('--seed <n>', 'decides the order of the boots', integer('--seed', 0, 0xffffffff))
  .option('--json <file>', 'write the verdicts as a JSON array');

interface TargetOptions {
  group?: string;
  quick?: boolean;
  boots?: number;
  accel: string;
  seed?: number;
  json?: string;
}

function figuresNeeded(targets: readonly Target[]): TargetFigure[] {
  return targets.flatMap(({ figure, bound }) =>
    bound.kind === 'ratio-at-least' ? [figure, bound.baseline] : [figure],
  );
}

function requestFor(targets: readonly Target[], options: TargetOptions): RunRequest {
  const figures = figuresNeeded(targets);
  const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];
  const variants = unique(figures.map((figure) => figure.variant)).filter((variant) => variant !== 'debian');
  return {
    workloads: unique(figures.map((figure) => figure.workload)),
    subjects: unique(figures.map((figure) => figure.subject)),
    variants,
    boots: options.boots ?? (options.quick ? 3 : 5),
    accelerator: parseAcceleratorRequest(options.accel),
    scope: options.quick ? 'quick' : 'default',
    seed: options.seed ?? Date.now() % 0x1_0000_0000,
    only: figures.map(({ workload, subject, variant, parameters }) => ({ workload, subject, variant, parameters })),
  };
}

const SCALES: readonly [number, string][] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

function amount(value: number, unit: string): string {
  if (unit === 'ns' && value < 1e4) return `${value.toFixed(value < 100 ? 2 : 0)} ns`;
  if (unit === 'ns') return value >= 1e6 ? `${(value / 1e6).toFixed(2)} ms` : `${(value / 1e3).toFixed(2)} us`;
  if (unit === 'bytes') return `${(value / 2 ** 20).toFixed(2)} MiB`;
  if (unit.startsWith('times')) return `${value.toFixed(2)} ${unit}`;
  const scale = unit === 'instructions' ? undefined : SCALES.find(([factor]) => value >= factor);
  return `${scale ? `${(value / scale[0]).toFixed(2)} ${scale[1]}` : Math.round(value)} ${unit}`;
}

function boundText(target: Target): string {
  const { bound, figure } = target;
  if (bound.kind === 'identical') return 'identical in all boots';
  if (bound.kind === 'ratio-at-least') return `at least ${bound.value} times ${baselineName(target)}`;
  return `${bound.kind === 'at-most' ? 'at most' : 'at least'} ${amount(bound.value, METRIC_UNITS[figure.metric])}`;
}

function row(verdict: Verdict): string[] {
  const { target, value, unit, low, high, placement, boots, note } = verdict;
  return [
    target.name,
    boundText(target),
    value === null ? note : amount(value, unit),
    low === null || high === null ? '' : `${amount(low, unit)} to ${amount(high, unit)}`,
    boots === 0 ? '' : `${boots} boots`,
    placement === null || placement === 'none' ? '' : placement,
    verdict.verdict,
  ];
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function toJson(verdict: Verdict): Record<string, unknown> {
  const { target, ...rest } = verdict;
  return {
    name: target.name,
    group: target.group,
    figure: target.figure,
    bound: target.bound,
    reason: target.reason,
    ...rest,
  };
}

await runCommand(async () => {
  if (!parseArguments(program, process.argv.slice(2))) return 0;
  const options = program.opts<TargetOptions>();
  if (options.group !== undefined && !GROUPS.includes(options.group)) {
    throw UsageError.badValue('--group', options.group, GROUPS.join(', '));
  }
  const targets = TARGETS.filter((target) => options.group === undefined || target.group === options.group);
  const request = requestFor(targets, options);
  const least = leastBoots(request.scope);
  if (request.boots < least) {
    throw UsageError.badValue(
      '--boots',
      String(request.boots),
      `${least} or more${options.quick ? '' : ' (with --quick: 2)'}; with fewer no target is judged`,
    );
  }
  const dataset = join(REPOSITORY, 'build', 'targets', `${new Date().toISOString().replaceAll(/[-:.]/g, '')}.jsonl`);
  const { state } = await measureRun(
    { request, state: () => newRun('targets', request, dataset) },
    { out: process.stdout, command: ['targets', ...process.argv.slice(2)] },
  );
  // Statistics are loaded when there is something to judge: --help and errors answer at once.
  const [{ figuresOf }, { judge }, { of }] = await Promise.all([
    import('@plumbline/reports'),
    import('../runner/verdict.ts'),
    import('./report.ts'),
  ]);
  const { records } = await readDataset(state.dataset);
  const figures = figuresOf(of(records, 'sample'), of(records, 'provenance'));
  const verdicts = targets.map((target) => judge(target, figures, least));
  const head = ['target', 'bound', 'figure', 'interval (95 %)', 'boots', 'placement', 'verdict'];
  process.stdout.write(`\n${table([head, ...verdicts.map(row)])}\n`);
  for (const failure of of(records, 'failure')) {
    process.stdout.write(
      `failed: ${failure.workload}, ${failure.subject} ${failure.variant.name}: ${failure.reason}\n`,
    );
  }
  if (options.json !== undefined) {
    try {
      writeFileSync(options.json, `${JSON.stringify(verdicts.map(toJson), undefined, 2)}\n`);
    } catch (error) {
      throw new BenchError(
        `option --json: ${options.json} cannot be written (${messageOf(error)}). The samples are in ${state.dataset}.`,
        73,
      );
    }
  }
  const held = verdicts.filter((verdict) => verdict.verdict === 'holds').length;
  process.stdout.write(`\n${held} of ${verdicts.length} targets hold. Samples: ${state.dataset}\n`);
  return held === verdicts.length ? 0 : 1;
});
