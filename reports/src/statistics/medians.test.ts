import { describe, expect, it } from 'vitest';
import { medianInterval, medianRatio, quantile } from './medians.ts';
import { normalQuantile } from './normal.ts';
import { type Random, seededRandom } from './random.ts';

describe('the interval of a median', () => {
  it('spans five boots from the least to the most, and is withheld from four', () => {
    expect(medianInterval([5, 1, 4, 2, 3])).toEqual({ low: 1, high: 5 });
    expect(medianInterval([1, 2, 3, 4])).toBeNull();
  });

  it('leaves out the extremes of many boots', () => {
    const interval = medianInterval(Array.from({ length: 25 }, (_, i) => i + 1));
    expect(interval?.low).toBeGreaterThanOrEqual(7);
    expect(interval?.low).toBeLessThanOrEqual(9);
    expect(interval?.high).toBeGreaterThanOrEqual(17);
    expect(interval?.high).toBeLessThanOrEqual(19);
  });

  it('scales with its data', () => {
    const values = [3, 1, 4, 1.5, 9, 2.6];
    const plain = medianInterval(values);
    const scaled = medianInterval(values.map((value) => value * 1000));
    expect(scaled?.low).toBeCloseTo((plain?.low ?? 0) * 1000, 6);
    expect(scaled?.high).toBeCloseTo((plain?.high ?? 0) * 1000, 6);
  });
});

describe('the ratio of two medians', () => {
  it('is the quotient with an interval around it, and turns over with its sides', () => {
    const a = [100, 104, 98, 103, 99];
    const b = [10, 10.4, 9.9, 10.1, 10.3];
    const forward = medianRatio(a, b);
    const back = medianRatio(b, a);
    expect(forward.ratio).toBeCloseTo(100 / 10.1, 12);
    expect(forward.interval?.low).toBeLessThan(forward.ratio);
    expect(forward.interval?.high).toBeGreaterThan(forward.ratio);
    expect(forward.interval?.low).toBeGreaterThanOrEqual(98 / 10.4);
    expect(forward.interval?.high).toBeLessThanOrEqual(104 / 9.9);
    expect(back.interval?.low).toBeCloseTo(1 / (forward.interval?.high ?? 0), 1);
  });

  it('is a point for three boots and refuses what cannot be divided', () => {
    expect(medianRatio([1, 2, 3], [1, 1, 1])).toEqual({ ratio: 2, interval: null });
    expect(() => medianRatio([], [1])).toThrow(/no boots/);
    expect(() => medianRatio([1], [0])).toThrow(/above zero/);
  });
});

const SIMULATIONS = 2000;
/** The share of simulated experiments whose interval holds the truth. */
function coverage(draw: (random: Random) => { low: number; high: number } | null, truth: number, seed: number): number {
  const random = seededRandom(seed);
  let held = 0;
  for (let i = 0; i < SIMULATIONS; i += 1) {
    const interval = draw(random);
    if (interval !== null && interval.low <= truth && truth <= interval.high) held += 1;
  }
  return held / SIMULATIONS;
}
/** Skewed as measured rates are: log-normal with median 1. */
const lognormal = (n: number, random: Random) =>
  Array.from({ length: n }, () => Math.exp(0.5 * normalQuantile(Math.max(random(), 1e-12))));

describe('coverage on skewed data (nominal 95 %; the simulation errs by 0.5 %)', () => {
  it('of a median of five boots is the 93.75 % that is attainable', () => {
    const share = coverage((random) => medianInterval(lognormal(5, random)), 1, 11);
    expect(share).toBeGreaterThan(0.92);
    expect(share).toBeLessThan(0.955);
  });
  it('of a median of fifteen boots is near the nominal', () => {
    const share = coverage((random) => medianInterval(lognormal(15, random)), 1, 12);
    expect(share).toBeGreaterThan(0.92);
    expect(share).toBeLessThan(0.975);
  });
  it('of a ratio of five boots to five is near the nominal', () => {
    const share = coverage((random) => medianRatio(lognormal(5, random), lognormal(5, random)).interval, 1, 13);
    expect(share).toBeGreaterThan(0.92);
    expect(share).toBeLessThan(0.99);
  });
});

it('quantiles of values in any order', () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([4, 1, 3, 2], 1)).toBe(4);
});
