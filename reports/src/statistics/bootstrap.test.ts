import { median } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import {
  type Atom,
  medianDistribution,
  medianRatioDistribution,
  resampledDistribution,
  sortedAtoms,
} from './bootstrap.ts';
import { seededRandom } from './random.ts';

/** Every one of the n^n resamples, counted. */
function bruteForce(values: number[]): Atom[] {
  const n = values.length;
  const atoms: Atom[] = [];
  for (let code = 0; code < n ** n; code += 1) {
    const drawn = Array.from({ length: n }, (_, i) => values[Math.floor(code / n ** i) % n] ?? Number.NaN);
    atoms.push({ value: median(drawn), probability: n ** -n });
  }
  return sortedAtoms(atoms);
}

function expectSame(actual: Atom[], expected: Atom[], digits: number): void {
  expect(actual.map((atom) => atom.value)).toEqual(expected.map((atom) => atom.value));
  actual.forEach((atom, i) => {
    expect(atom.probability).toBeCloseTo(expected[i]?.probability ?? Number.NaN, digits);
  });
}

describe('the exact bootstrap distribution of the median', () => {
  it.each([[[7]], [[1, 2]], [[3, 1, 2]], [[1, 2, 4, 8]], [[5, 1, 4, 2, 9]], [[1, 2, 4, 8, 16, 32]], [[2, 2, 2, 7, 9]]])(
    'is what counting every resample of %j gives',
    (values) => {
      expectSame(medianDistribution(values), bruteForce(values), 10);
    },
  );

  it('is what many drawn resamples approach', () => {
    const values = [3, 1, 4, 1.5, 9, 2.6, 5, 3.5, 8, 9.7];
    const exact = medianDistribution(values);
    const drawn = resampledDistribution([values], ([x]) => median(x ?? []), 100_000, seededRandom(3));
    let distance = 0;
    for (const { value } of exact) {
      const upTo = (atoms: Atom[]) => atoms.reduce((sum, a) => sum + (a.value <= value ? a.probability : 0), 0);
      distance = Math.max(distance, Math.abs(upTo(exact) - upTo(drawn)));
    }
    // Kolmogorov's bound at 1e-6 for 100,000 draws is 0.0085.
    expect(distance).toBeLessThan(0.0085);
  });

  it('adds up to one for ratios too', () => {
    const atoms = medianRatioDistribution([1, 2, 3, 4, 5], [2, 3, 5, 7, 11, 13], seededRandom(1));
    expect(atoms.reduce((sum, atom) => sum + atom.probability, 0)).toBeCloseTo(1, 12);
    expect(atoms[0]?.value).toBeCloseTo(1 / 13, 12);
    expect(atoms.at(-1)?.value).toBeCloseTo(5 / 2, 12);
  });

  it('refuses an empty group', () => {
    expect(() => medianDistribution([])).toThrow(RangeError);
    expect(() => resampledDistribution([[1], []], () => 0, 10, seededRandom(1))).toThrow(RangeError);
  });
});

describe('the seeded source', () => {
  it('repeats for a seed, differs between seeds and is even', () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 20_000 }, random);
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1).slice(0, 8)).not.toEqual(draw(2).slice(0, 8));
    const counts = new Array<number>(10).fill(0);
    for (const value of draw(42)) counts[Math.floor(value * 10)] = (counts[Math.floor(value * 10)] ?? 0) + 1;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
    expect(chiSquare).toBeLessThan(27.9); // the 99.9 % point with 9 degrees of freedom
  });
});
