import { mean } from 'simple-statistics';
import { type Random, seededRandom } from './random.ts';

export type PermutationResult = {
  /** Two-sided p-value. */
  p: number;
  /** True when every division into the two groups was tried. */
  exact: boolean;
  /** How many divisions were tried. */
  divisions: number;
};

/** Up to this many divisions (ten against ten is 184,756) every one is tried. */
const MOST_DIVISIONS = 200_000;

function choose(n: number, k: number): number {
  let value = 1;
  for (let i = 1; i <= Math.min(k, n - k); i += 1) value = (value * (n - i + 1)) / i;
  return Math.round(value);
}

/** Calls `visit` with every choice of `k` indices out of `n`. */
function eachChoice(n: number, k: number, visit: (indices: readonly number[]) => void): void {
  const indices = Array.from({ length: k }, (_, i) => i);
  for (;;) {
    visit(indices);
    let i = k - 1;
    while (i >= 0 && indices[i] === n - k + i) i -= 1;
    if (i < 0) return;
    indices[i] = (indices[i] ?? 0) + 1;
    for (let j = i + 1; j < k; j += 1) indices[j] = (indices[j - 1] ?? 0) + 1;
  }
}

/** Swaps a random choice of `k` items to the front (Fisher and Yates). */
function shuffleFront(items: number[], k: number, random: Random): void {
  for (let i = 0; i < k; i += 1) {
    const j = i + Math.floor(random() * (items.length - i));
    const held = items[i] ?? 0;
    items[i] = items[j] ?? 0;
    items[j] = held;
  }
}

/**
 * Two-sided permutation test that two groups come from one distribution, by the difference of their means (Pitman
 * 1937): the share of all divisions of the pooled values whose difference is at least as large as the one seen. Beyond
 * 200,000 divisions a seeded sample of them, counted so that p is never zero (Phipson and Smyth 2010).
 *
 * @throws RangeError when a group is empty
 */
export function permutationTest(
  a: readonly number[],
  b: readonly number[],
  options: { seed?: number; samples?: number } = {},
): PermutationResult {
  if (a.length === 0 || b.length === 0) throw new RangeError('permutationTest: a group is empty');
  const pooled = [...a, ...b];
  const total = pooled.reduce((sum, value) => sum + value, 0);
  const difference = (sumA: number) => Math.abs(sumA / a.length - (total - sumA) / b.length);
  const seen = Math.abs(mean([...a]) - mean([...b]));
  // Sums taken in another order differ in the last bits: a tie must count as one.
  const scale = pooled.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const reaches = (sumA: number) => difference(sumA) >= seen - scale * 1e-12;
  const divisions = choose(pooled.length, a.length);
  if (divisions <= MOST_DIVISIONS) {
    let extreme = 0;
    eachChoice(pooled.length, a.length, (indices) => {
      let sum = 0;
      for (const index of indices) sum += pooled[index] ?? 0;
      if (reaches(sum)) extreme += 1;
    });
    return { p: extreme / divisions, exact: true, divisions };
  }
  const samples = options.samples ?? 20_000;
  const random = seededRandom(options.seed ?? 1);
  let extreme = 0;
  for (let s = 0; s < samples; s += 1) {
    shuffleFront(pooled, a.length, random);
    let sum = 0;
    for (let i = 0; i < a.length; i += 1) sum += pooled[i] ?? 0;
    if (reaches(sum)) extreme += 1;
  }
  return { p: (extreme + 1) / (samples + 1), exact: false, divisions: samples };
}
