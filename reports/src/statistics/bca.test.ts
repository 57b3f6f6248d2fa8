import { describe, expect, it } from 'vitest';
import { acceleration, bcaInterval } from './bca.ts';
import { medianDistribution, resampledDistribution } from './bootstrap.ts';
import { seededRandom } from './random.ts';

// Efron and Tibshirani 1993, table 14.1 (spatial test, A) and section 14.3: the variance of 26 values.
const SPATIAL = [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41];
function variance([values]: number[][]): number {
  const mean = (values ?? []).reduce((sum, value) => sum + value, 0) / (values?.length ?? 0);
  return (values ?? []).reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values?.length ?? 0);
}

describe('BCa intervals', () => {
  it('give the published interval of the spatial test data', () => {
    expect(variance([SPATIAL])).toBeCloseTo(171.5, 1);
    const a = acceleration([SPATIAL], variance);
    expect(a).toBeCloseTo(0.061, 3);
    const atoms = resampledDistribution([SPATIAL], variance, 20_000, seededRandom(1993));
    const { low, high } = bcaInterval(variance([SPATIAL]), atoms, a, 0.9);
    // Published from 2,000 resamples: (115.8, 259.6).
    expect(Math.abs(low - 115.8)).toBeLessThan(2);
    expect(Math.abs(high - 259.6)).toBeLessThan(4);
  });

  it('are the percentile interval when nothing is biased or skewed', () => {
    const atoms = Array.from({ length: 999 }, (_, i) => ({ value: i + 1, probability: 1 / 999 }));
    const { low, high } = bcaInterval(500, atoms, 0, 0.9);
    expect(low).toBe(50);
    expect(high).toBe(950);
  });

  it('move with the bias and widen to the side of the skew', () => {
    const atoms = Array.from({ length: 999 }, (_, i) => ({ value: i + 1, probability: 1 / 999 }));
    const plain = bcaInterval(500, atoms, 0);
    const biased = bcaInterval(600, atoms, 0);
    expect(biased.low).toBeGreaterThan(plain.low);
    expect(biased.high).toBeGreaterThan(plain.high);
    const skewed = bcaInterval(500, atoms, 0.1);
    expect(skewed.high - 500).toBeGreaterThan(500 - skewed.low);
  });

  it('are defined where the theory is not', () => {
    const same = medianDistribution([4, 4, 4, 4, 4]);
    expect(bcaInterval(4, same, 0)).toEqual({ low: 4, high: 4 });
    expect(acceleration([[4, 4, 4]], ([x]) => x?.[0] ?? 0)).toBe(0);
    const atoms = medianDistribution([1, 2, 3, 4, 5]);
    for (const estimate of [0, 99]) {
      for (const a of [-3, 0, 3]) {
        const { low, high } = bcaInterval(estimate, atoms, a);
        expect(low).toBeGreaterThanOrEqual(1);
        expect(high).toBeLessThanOrEqual(5);
        expect(low).toBeLessThanOrEqual(high);
      }
    }
    expect(() => bcaInterval(1, [], 0)).toThrow(RangeError);
    expect(() => bcaInterval(1, atoms, 0, 1)).toThrow(/confidence is 1/);
  });
});
