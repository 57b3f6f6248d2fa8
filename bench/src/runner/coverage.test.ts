import type { Placement, Slice, SubjectId } from '@plumbline/datasets';
import type { Figure } from '@plumbline/reports';
import { expect, it } from 'vitest';
import type { BootTemplate } from '../workloads/index.ts';
import { lackingBoots, lastPlacement, placementsWithEnough } from './coverage.ts';

const AT_8 = { mix: 'get', window: 8 };
const AT_128 = { mix: 'get', window: 128 };

function template(subject: SubjectId, accelerator: BootTemplate['accelerator'] = 'kvm_pvm'): BootTemplate {
  return {
    workload: 'memcached-udp',
    subject,
    variant: { name: subject === 'linux-host' ? 'debian' : 'default', values: {} },
    accelerator,
    points: [
      { parameters: AT_8, seconds: 2 },
      { parameters: AT_128, seconds: 2 },
    ],
    overheadSeconds: 3,
  };
}
const OURS = template('plumbline');
const LINUX = template('linux-host', 'none');

function figure(of: BootTemplate, parameters: Figure['parameters'], placement: Placement, boots: number): Figure {
  return {
    workload: of.workload,
    parameters,
    subject: of.subject,
    variant: of.variant,
    accelerator: of.accelerator,
    host: 'h',
    metric: 'throughput',
    unit: 'requests/s',
    placement,
    points: [],
    median: 1,
    interval: null,
    boots,
    loss: null,
    serverBusy: null,
    parts: {},
  };
}
const enoughAt8 = [figure(OURS, AT_8, 'near', 5), figure(LINUX, AT_8, 'near', 5)];

it('a placement counts when both sides have enough boots in it', () => {
  const ours = [figure(OURS, AT_8, 'near', 5), figure(OURS, AT_8, 'far', 4)];
  const theirs = [figure(LINUX, AT_8, 'near', 4), figure(LINUX, AT_8, 'far', 5)];
  expect(placementsWithEnough(ours, theirs, 5)).toEqual([]);
  expect(placementsWithEnough(ours, theirs, 4)).toEqual(['near', 'far']);
});

it('nothing is added when every comparison has a common placement', () => {
  const figures = [...enoughAt8, figure(OURS, AT_128, 'far', 5), figure(LINUX, AT_128, 'far', 5)];
  expect(lackingBoots([OURS, LINUX], figures, 5, 'near')).toEqual([]);
});

it('a comparison is completed where the cores are, with the side and the point that lack boots there', () => {
  const split = [
    figure(OURS, AT_128, 'near', 5),
    figure(OURS, AT_128, 'far', 2),
    figure(LINUX, AT_128, 'near', 3),
    figure(LINUX, AT_128, 'far', 4),
  ];
  const lacking = (here: Placement | undefined) =>
    lackingBoots([OURS, LINUX], [...enoughAt8, ...split], 5, here).map(({ template, missing }) => [
      template.subject,
      template.points.map(({ parameters }) => parameters),
      missing,
    ]);
  expect(lacking('near')).toEqual([['linux-host', [AT_128], 2]]);
  expect(lacking('far')).toEqual([
    ['plumbline', [AT_128], 3],
    ['linux-host', [AT_128], 1],
  ]);
  expect(lacking('remote')).toEqual([
    ['plumbline', [AT_128], 5],
    ['linux-host', [AT_128], 5],
  ]);
  expect(lacking(undefined)).toEqual(lacking('remote'));
});

it('a guest under TCG is not compared with the host', () => {
  expect(lackingBoots([template('plumbline', 'tcg'), LINUX], [], 5, undefined)).toEqual([]);
});

it('the cores are where the youngest slice saw them', () => {
  const at = (start_ns: number, placement: Placement): Slice => ({
    start_ns,
    duration_ns: 1e8,
    placement,
    ...{ replies: 1, sent: 1, lost: 0, late: 0, busy: 0, steal: 0 },
  });
  const older = { slices: [at(100, 'far'), at(300, 'near')] };
  expect(lastPlacement([older, { slices: [at(200, 'remote')] }])).toBe('near');
  // A slice between two placements says nothing.
  expect(lastPlacement([older, { slices: [at(400, 'mixed')] }])).toBe('near');
  expect(lastPlacement([{ slices: [at(1, 'unknown')] }])).toBe('unknown');
  expect(lastPlacement([])).toBeUndefined();
});
