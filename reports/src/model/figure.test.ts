import type { Sample, Slice } from '@plumbline/datasets';
import { describe, expect, it } from 'vitest';
import { syntheticRun } from '../testing/synthetic.ts';
import { figuresOf, readings } from './figure.ts';

const base = syntheticRun().samples[0] as Sample;
const sample = (more: Partial<Sample>): Sample => ({ ...base, placement: 'near', ...more });
const boot = (index: number) => ({ index, id: `b${index}` });
const slice = (placement: Slice['placement'], replies: number, discarded?: string): Slice => ({
  start_ns: 0,
  duration_ns: 100_000_000,
  placement,
  replies,
  sent: replies,
  lost: 0,
  late: 0,
  busy: 0.5,
  ...(discarded === undefined ? {} : { discarded }),
});

describe('figures over boots', () => {
  it('reduce the samples of one boot to one value', () => {
    const values = [10, 20, 90];
    const samples = [
      ...values.map((value, i) => sample({ id: `a${i}`, boot: boot(0), value })),
      sample({ boot: boot(1), value: 40 }),
    ];
    const [figure, ...rest] = figuresOf(samples, []);
    expect(rest).toEqual([]);
    expect(figure?.points.map((point) => point.value)).toEqual([20, 40]);
    expect(figure?.boots).toBe(2);
    expect(figure?.median).toBe(30);
    expect(figure?.interval).toBeNull();
  });

  it('keep placements, hosts, accelerators, variants and parameters apart', () => {
    const { provenance } = syntheticRun();
    const other = provenance.map((p) => ({ ...p, id: p.id.replace(/./g, '0'), host: { ...p.host, id: 'other' } }));
    const samples = [
      sample({}),
      sample({ placement: 'far' }),
      sample({ accelerator: 'kvm' }),
      sample({ provenance: other[0]?.id ?? '' }),
      sample({ variant: { name: 'default', values: { idle: 'halt' } } }),
      sample({ parameters: { mix: 'get', window: 2 } }),
      sample({ parameters: { window: 1, mix: 'get' } }),
    ];
    // The last differs from the first in the order of its parameters only.
    expect(figuresOf(samples, [...provenance, ...other.slice(0, 1)])).toHaveLength(6);
  });

  it('show disturbed and client-bound boots without using them, but let echo reach the limit', () => {
    const samples = [
      sample({ boot: boot(0), value: 1 }),
      sample({ boot: boot(1), value: 100, disturbed: true }),
      sample({ boot: boot(2), value: 200, clientBound: true }),
    ];
    const [figure] = figuresOf(samples, []);
    expect(figure?.points.map((point) => point.excluded)).toEqual([null, 'disturbed', 'client-bound']);
    expect([figure?.median, figure?.boots]).toEqual([1, 1]);
    const [echo] = figuresOf(
      samples.map((s) => ({ ...s, subject: 'echo' as const })),
      [],
    );
    expect(echo?.points.map((point) => point.excluded)).toEqual([null, 'disturbed', null]);
  });

  it('are defined when no boot can be used', () => {
    const [figure] = figuresOf([sample({ disturbed: true })], []);
    expect([figure?.median, figure?.interval, figure?.boots]).toEqual([null, null, 0]);
    expect(figure?.points).toHaveLength(1);
  });

  it('give an interval from five boots on', () => {
    const samples = [5, 3, 1, 4, 2].map((value, i) => sample({ boot: boot(i), value }));
    expect(figuresOf(samples, [])[0]?.interval).toEqual({ low: 1, high: 5 });
  });
});

describe('a sample whose placement changed', () => {
  const slices = [
    ...[100, 110, 120].map((n) => slice('near', n * 1000)),
    ...[40, 50, 60, 70].map((n) => slice('far', n * 1000)),
    slice('far', 9_000_000, '3 packets lost in the generator'),
    slice('remote', 1000),
  ];
  it('is split by its slices, without the discarded ones and the too few', () => {
    expect(readings(sample({ placement: 'mixed', metric: 'throughput', slices }))).toEqual([
      { placement: 'near', value: 1_100_000, slices: 3 },
      { placement: 'far', value: 550_000, slices: 4 },
    ]);
  });
  it('stays mixed where it has no value a slice', () => {
    expect(readings(sample({ placement: 'mixed', metric: 'latency-p99', value: 7, slices }))[0]?.placement).toBe(
      'mixed',
    );
  });
  it('lends its slices to the latencies taken with it', () => {
    const far = slices.filter((s) => s.placement === 'far');
    const figures = figuresOf(
      [
        sample({ placement: 'far', metric: 'throughput', slices: far }),
        sample({ placement: 'far', metric: 'latency-p50' }),
      ],
      [],
    );
    expect(figures.map((figure) => figure.points[0]?.slices)).toEqual([4, 4]);
  });
});
