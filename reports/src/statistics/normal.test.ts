import { describe, expect, it } from 'vitest';
import { normalCdf, normalQuantile } from './normal.ts';

describe('the normal distribution', () => {
  it('has the published values', () => {
    // Wichura 1988, table of check values, and the usual quantiles.
    expect(normalQuantile(0.25)).toBeCloseTo(-0.6744897501960817, 14);
    expect(normalQuantile(0.001)).toBeCloseTo(-3.090232306167813, 13);
    expect(normalQuantile(1e-20)).toBeCloseTo(-9.262340089798409, 12);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 14);
    expect(normalCdf(1.959963984540054)).toBeCloseTo(0.975, 15);
    expect(normalCdf(-6) / 9.86587645037698e-10).toBeCloseTo(1, 12);
    expect(normalCdf(0)).toBe(0.5);
  });

  it('is its own inverse over the whole range', () => {
    for (let z = -8; z <= 6; z += 0.0625) expect(normalQuantile(normalCdf(z))).toBeCloseTo(z, 6);
  });

  it('is defined at the ends and refuses what is no probability', () => {
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
    expect(() => normalQuantile(1.1)).toThrow(/1\.1/);
    expect(() => normalQuantile(Number.NaN)).toThrow(RangeError);
  });
});
