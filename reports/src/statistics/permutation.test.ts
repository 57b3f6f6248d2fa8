import { describe, expect, it } from 'vitest';
import { permutationTest } from './permutation.ts';
import { seededRandom } from './random.ts';

/** Every division by bit masks. */
function bruteForce(a: number[], b: number[]): number {
  const pooled = [...a, ...b];
  const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const seen = Math.abs(average(a) - average(b));
  let extreme = 0;
  let divisions = 0;
  for (let mask = 0; mask < 1 << pooled.length; mask += 1) {
    const left = pooled.filter((_, i) => (mask >> i) & 1);
    if (left.length !== a.length) continue;
    const right = pooled.filter((_, i) => !((mask >> i) & 1));
    divisions += 1;
    if (Math.abs(average(left) - average(right)) >= seen - 1e-9) extreme += 1;
  }
  return extreme / divisions;
}

describe('the permutation test', () => {
  it('cannot go below p = 0.1 with three boots a side, and reaches 2/252 with five', () => {
    expect(permutationTest([1, 2, 3], [11, 12, 13])).toEqual({ p: 0.1, exact: true, divisions: 20 });
    expect(permutationTest([1, 2, 3, 4, 5], [11, 12, 13, 14, 15]).p).toBeCloseTo(2 / 252, 12);
  });

  it.each([
    [
      [94, 197, 16, 38, 99, 141, 23],
      [52, 104, 146, 10, 51, 30, 40, 27, 46],
    ], // the mouse data of Efron and Tibshirani 1993, table 2.1
    [
      [1, 1, 2],
      [1, 2, 2, 2],
    ],
    [[0.1, 0.2, 0.3], [0.3]],
  ])('of %j against %j is what counting gives', (a, b) => {
    expect(permutationTest(a, b).p).toBeCloseTo(bruteForce(a, b), 12);
    expect(permutationTest(b, a).p).toBeCloseTo(bruteForce(a, b), 12);
  });

  it('finds the one-sided level that was published for the mouse data, doubled', () => {
    // Efron and Tibshirani 1993, section 15.2: 0.132 from 1,000 random divisions; two-sided about twice that.
    const { p } = permutationTest([94, 197, 16, 38, 99, 141, 23], [52, 104, 146, 10, 51, 30, 40, 27, 46]);
    expect(p).toBeGreaterThan(0.22);
    expect(p).toBeLessThan(0.32);
  });

  it('of equal values is 1', () => {
    expect(permutationTest([2, 2, 2], [2, 2, 2]).p).toBe(1);
  });

  it('draws divisions when there are too many, never p = 0', () => {
    const low = Array.from({ length: 15 }, (_, i) => i);
    const high = low.map((value) => value + 100);
    const drawn = permutationTest(low, high, { samples: 2000 });
    expect(drawn.exact).toBe(false);
    expect(drawn.p).toBeCloseTo(1 / 2001, 6);
    expect(permutationTest(low, high, { samples: 2000 })).toEqual(drawn);
  });

  it('rejects equal groups about as often as it promises', () => {
    const random = seededRandom(5);
    let rejected = 0;
    for (let i = 0; i < 1000; i += 1) {
      const draw = () => Array.from({ length: 5 }, () => random() ** 2);
      if (permutationTest(draw(), draw()).p <= 0.05) rejected += 1;
    }
    expect(rejected).toBeGreaterThan(25);
    expect(rejected).toBeLessThan(70);
  });

  it('refuses an empty group', () => {
    expect(() => permutationTest([], [1])).toThrow(RangeError);
  });
});
