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
        variants: ['default', 'halt'],
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
