import type { Placement } from '@plumbline/datasets';
import type { Figure } from '@plumbline/reports';
import { expect, it } from 'vitest';
import { TARGETS, type Target, type TargetFigure } from '../../targets.ts';
import { SUBJECTS, type Subject } from '../subjects/index.ts';
import { planRun } from './plan.ts';
import { judge } from './verdict.ts';

function figure(of: TargetFigure, values: readonly number[], placement: Placement = 'near', slices = 20): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    workload: of.workload,
    parameters: of.parameters,
    subject: of.subject,
    variant: { name: of.variant, values: {} },
    accelerator: of.tier === 'exact' ? 'tcg' : of.subject === 'linux-host' ? 'none' : 'kvm_pvm',
    host: 'h',
    metric: of.metric,
    unit: 'requests/s',
    placement,
    points: values.map((value, index) => ({ boot: String(index), value, slices, excluded: null })),
    median: sorted[Math.floor(sorted.length / 2)] ?? null,
    interval: null,
    boots: values.length,
    loss: null,
    serverBusy: null,
    parts: {},
  };
}

function target(name: string): Target {
  const found = TARGETS.find((candidate) => candidate.name === name);
  if (!found) throw new Error(name);
  return found;
}

it('a bound holds up to itself', () => {
  const instructions = target('instructions');
  expect(judge(instructions, [figure(instructions.figure, [1500, 1500, 1500], 'none')], 2).verdict).toBe('holds');
  expect(judge(instructions, [figure(instructions.figure, [1501, 1501, 1501], 'none')], 2).verdict).toBe('falls short');
  expect(judge(instructions, [], 2)).toMatchObject({
    verdict: 'not measured',
    note: 'plumbline default: no boot gave it',
  });
});

it('a lower bound holds from itself on', () => {
  const stream = target('stream-from-server');
  expect(judge(stream, [figure(stream.figure, [20e9, 20e9, 20e9])], 2).verdict).toBe('holds');
  expect(judge(stream, [figure(stream.figure, [19.9e9, 19.9e9, 19.9e9])], 2).verdict).toBe('falls short');
});

it('a bound on a part is about the part alone', () => {
  const kernel = target('redis-50x1-kernel-instructions');
  const counted = figure(kernel.figure, [6_500, 6_500, 6_500], 'none');
  expect(judge(kernel, [{ ...counted, parts: { user: 4_350, kernel: 2_150 } }], 2)).toMatchObject({
    verdict: 'holds',
    value: 2_150,
    low: null,
  });
  expect(judge(kernel, [{ ...counted, parts: { user: 4_000, kernel: 2_500 } }], 2).verdict).toBe('falls short');
  expect(judge(kernel, [counted], 2)).toMatchObject({
    verdict: 'not measured',
    note: 'plumbline-unmodified: its kernel part was not recorded',
  });
});

it('a variant is compared with another of the same subject', () => {
  const zerocopy = target('zerocopy-from-server-16k');
  if (zerocopy.bound.kind !== 'ratio-at-least') throw new Error('not a ratio');
  const figures = [
    figure(zerocopy.figure, [26e9, 26e9, 26e9], 'far'),
    figure(zerocopy.bound.baseline, [20e9, 20e9, 20e9], 'far'),
  ];
  expect(judge(zerocopy, figures, 2)).toMatchObject({ verdict: 'holds', unit: 'times copy', placement: 'far' });
});

it('a ratio is judged in the placement that both sides share most', () => {
  const ratio = target('memcached-vs-linux');
  if (ratio.bound.kind !== 'ratio-at-least') throw new Error('not a ratio');
  const { baseline } = ratio.bound;
  const figures = [
    figure(ratio.figure, [3e6, 3e6, 3e6], 'near', 50),
    figure(ratio.figure, [1e6, 1e6, 1e6], 'far', 20),
    figure(baseline, [1e5, 1e5, 1e5], 'far', 40),
    figure(baseline, [1e5, 1e5, 1e5], 'near', 3),
  ];
  expect(judge(ratio, figures, 2)).toMatchObject({ verdict: 'falls short', value: 10, placement: 'far' });
  expect(judge(ratio, figures.slice(0, 2), 2)).toMatchObject({
    verdict: 'not measured',
    note: 'linux-host debian: no boot gave it',
  });
  expect(judge(ratio, [figure(ratio.figure, [3e6], 'near'), figure(baseline, [1e5], 'far')], 1).verdict).toBe(
    'not measured',
  );
});

it('identical means every boot, and one boot shows nothing', () => {
  const determinism = target('determinism');
  expect(judge(determinism, [figure(determinism.figure, [7, 7, 7], 'none')], 2).verdict).toBe('holds');
  expect(judge(determinism, [figure(determinism.figure, [7, 7, 8], 'none')], 2).verdict).toBe('falls short');
  expect(judge(determinism, [figure(determinism.figure, [7], 'none')], 2).verdict).toBe('not measured');
});

it('every figure of a target is planned: none can be missing from a run', () => {
  const has = (wanted: TargetFigure): boolean =>
    planRun(
      {
        workloads: [wanted.workload],
        subjects: SUBJECTS.map((subject: Subject) => subject.id),
        variants: ['default', 'halt', 'copy'],
        boots: 1,
        accelerator: 'auto',
        scope: 'quick',
        seed: 1,
        only: [wanted],
      },
      'kvm_pvm',
    ).boots.length > 0;
  for (const { figure: own, bound } of TARGETS) {
    expect(has(own), JSON.stringify(own)).toBe(true);
    if (bound.kind === 'ratio-at-least') expect(has(bound.baseline), JSON.stringify(bound.baseline)).toBe(true);
  }
});

it('fewer boots than a comparison needs are no measurement, however good they look', () => {
  const instructions = target('instructions');
  const four = [figure(instructions.figure, [9, 9, 9, 9], 'none')];
  expect(judge(instructions, four, 5)).toMatchObject({
    verdict: 'not measured',
    note: 'plumbline default: 4 of the 5 boots that are needed',
  });
  const ratio = target('memcached-vs-linux');
  if (ratio.bound.kind !== 'ratio-at-least') throw new Error('not a ratio');
  const { baseline } = ratio.bound;
  const figures = [
    figure(ratio.figure, [9e6, 9e6, 9e6], 'near', 60),
    figure(baseline, [1e5], 'near', 40),
    figure(ratio.figure, [4e6, 4e6], 'far', 10),
    figure(baseline, [2e5, 2e5], 'far', 10),
  ];
  // Near has more slices in common, but only one boot of Linux.
  expect(judge(ratio, figures, 2)).toMatchObject({ verdict: 'holds', value: 20, placement: 'far', boots: 2 });
  expect(judge(ratio, figures, 3)).toMatchObject({
    verdict: 'not measured',
    note: 'no placement of the cores has 3 boots on both sides: plumbline 3 near, 2 far; linux-host 1 near, 2 far',
  });
});
