import type { Placement, SubjectId } from '@plumbline/datasets';
import type { Figure } from '@plumbline/reports';
import { expect, it } from 'vitest';
import type { BootTemplate } from '../workloads/index.ts';
import { lackingBoots, placementsWithEnough } from './coverage.ts';

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
  expect(lackingBoots([OURS, LINUX], figures, 5)).toEqual([]);
});

it('only the side and the point that lack boots get more, looking for the placement that lacks the least', () => {
  const split = [
    figure(OURS, AT_128, 'near', 5),
    figure(OURS, AT_128, 'far', 2),
    figure(LINUX, AT_128, 'near', 3),
    figure(LINUX, AT_128, 'far', 4),
  ];
  const [only, ...others] = lackingBoots([OURS, LINUX], [...enoughAt8, ...split], 5);
  expect(others).toEqual([]);
  expect(only).toMatchObject({ subject: 'linux-host', points: [{ parameters: AT_128, seek: ['near'] }] });
});

it('boots that were disturbed on both sides are made again, wherever the cores are', () => {
  const added = lackingBoots([OURS, LINUX], enoughAt8, 5);
  expect(added.map(({ subject, points }) => [subject, points])).toEqual([
    ['plumbline', [{ parameters: AT_128, seconds: 2, seek: [] }]],
    ['linux-host', [{ parameters: AT_128, seconds: 2, seek: [] }]],
  ]);
});

it('a guest under TCG is not compared with the host', () => {
  expect(lackingBoots([template('plumbline', 'tcg'), LINUX], [], 5)).toEqual([]);
});
