import type { Accelerator, MetricName, Placement, Sample, SubjectId } from '@plumbline/datasets';
import { describe, expect, it } from 'vitest';
import { syntheticRun } from '../testing/synthetic.ts';
import { commonPlacement, compare, comparisonsWithLinux } from './comparison.ts';
import { type Figure, figuresOf } from './figure.ts';

const base = syntheticRun().samples[0] as Sample;
type What = {
  subject?: SubjectId;
  accelerator?: Accelerator;
  placement?: Placement;
  metric?: MetricName;
  slices?: number;
  disturbed?: boolean;
};
function figures(values: readonly number[], what: What = {}): Figure[] {
  const { slices = 0, ...more } = what;
  const samples = values.map(
    (value, index): Sample => ({
      ...base,
      placement: 'near',
      ...more,
      boot: { index, id: `${JSON.stringify(what)}${index}` },
      value,
      slices: Array.from({ length: slices }, () => ({
        start_ns: 0,
        duration_ns: 1e8,
        placement: what.placement ?? 'near',
        replies: 1,
        sent: 1,
        lost: 0,
        late: 0,
        busy: 0,
      })),
    }),
  );
  return figuresOf(samples, []);
}
const linux: What = { subject: 'linux-host', accelerator: 'none' };
const FAST = [100, 101, 102, 103, 104];
const SLOW = [10, 10.1, 10.2, 10.3, 10.4];

describe('a comparison', () => {
  it('has a ratio, an interval, a test and a verdict', () => {
    const found = compare(figures(FAST), figures(SLOW, linux));
    expect(found?.ratio).toBeCloseTo(10, 10);
    expect(found?.interval?.low).toBeGreaterThan(9.5);
    expect(found?.interval?.high).toBeLessThan(10.5);
    expect(found?.p).toBeCloseTo(2 / 252, 10);
    expect(found?.verdict).toBe('better');
  });

  it('prefers a placement with enough boots on both sides to one with more slices', () => {
    const ours = [...figures(FAST, { slices: 30 }), ...figures(FAST, { placement: 'far', slices: 5 })];
    const theirs = [
      ...figures(SLOW.slice(0, 4), { ...linux, slices: 30 }),
      ...figures(SLOW, { ...linux, placement: 'far', slices: 5 }),
    ];
    expect(compare(ours, theirs)?.placement).toBe('far');
    expect(commonPlacement(ours, theirs.slice(0, 1))).toBe('near');
  });

  it('turns metrics of which less is better', () => {
    const found = compare(figures(SLOW, { metric: 'latency-p99' }), figures(FAST, { ...linux, metric: 'latency-p99' }));
    expect(found?.ratio).toBeCloseTo(10, 10);
    expect(found?.verdict).toBe('better');
    expect(compare(figures(SLOW), figures(FAST, linux))?.verdict).toBe('worse');
  });

  it('finds no difference where there is none', () => {
    expect(compare(figures([1, 2, 3, 4, 5]), figures([1.5, 2.5, 3.5, 4.5, 2], linux))?.verdict).toBe(
      'no difference found',
    );
  });

  it('gives points and no verdict for three boots', () => {
    const found = compare(figures([1, 2, 3]), figures([10, 11, 12, 13, 14], linux));
    expect(found).toMatchObject({ interval: null, p: null, verdict: 'points only', boots: [3, 5] });
  });

  it('is made in the placement with the most slices common to both sides', () => {
    const ours = [
      ...figures(FAST, { placement: 'near', slices: 30 }),
      ...figures(SLOW, { placement: 'far', slices: 6 }),
    ];
    const theirs = [
      ...figures(SLOW, { ...linux, placement: 'near', slices: 2 }),
      ...figures(SLOW, { ...linux, placement: 'far', slices: 20 }),
    ];
    expect(commonPlacement(ours, theirs)).toBe('far');
    expect(compare(ours, theirs)?.ratio).toBeCloseTo(1, 10);
  });

  it('never mixes placements, accelerators or hosts, and leaves out what was disturbed', () => {
    expect(compare(figures(FAST, { placement: 'near' }), figures(SLOW, { ...linux, placement: 'far' }))).toBeNull();
    expect(compare(figures(FAST, { placement: 'mixed' }), figures(SLOW, { ...linux, placement: 'mixed' }))).toBeNull();
    expect(compare(figures(FAST, { accelerator: 'tcg' }), figures(SLOW, linux))).toBeNull();
    expect(
      compare(figures(FAST, { accelerator: 'kvm' }), figures(SLOW, { subject: 'linux-guest', accelerator: 'tcg' })),
    ).toBeNull();
    expect(compare(figures(FAST), figures(SLOW, { ...linux, disturbed: true }))).toBeNull();
    const elsewhere = figures(SLOW, linux).map((figure) => ({ ...figure, host: 'another' }));
    expect(compare(figures(FAST), elsewhere)).toBeNull();
  });
});

describe('the Linux to compare with', () => {
  it('is the guest on the same accelerator, or the host on KVM without one, never the host for TCG', () => {
    const ours = [...figures(FAST, { accelerator: 'kvm' }), ...figures(FAST, { accelerator: 'tcg' })];
    const host = figures(SLOW, linux);
    const guest = figures(SLOW, { subject: 'linux-guest', accelerator: 'kvm' });
    expect(
      comparisonsWithLinux([...ours, ...host, ...guest]).map((c) => [c.subject.accelerator, c.baseline.subject]),
    ).toEqual([['kvm', 'linux-guest']]);
    expect(comparisonsWithLinux([...ours, ...host]).map((c) => [c.subject.accelerator, c.baseline.subject])).toEqual([
      ['kvm', 'linux-host'],
    ]);
  });

  it('is not compared with echo, which is a limit and no contender', () => {
    expect(comparisonsWithLinux([...figures(FAST, { subject: 'echo' }), ...figures(SLOW, linux)])).toEqual([]);
  });
});
