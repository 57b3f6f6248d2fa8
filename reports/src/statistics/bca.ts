import type { Atom } from './bootstrap.ts';
import { normalCdf, normalQuantile } from './normal.ts';

/** The ends of a confidence interval. */
export type Interval = { low: number; high: number };

/**
 * The acceleration constant from the jackknife, for one or several independent groups (Efron 1987, equation 6.6; for
 * several groups each leave-one-out difference is weighted by its group's size, Davison and Hinkley 1997, section 5.3).
 * Zero when leaving any value out changes nothing.
 */
export function acceleration(
  groups: readonly (readonly number[])[],
  statistic: (groups: number[][]) => number,
): number {
  let cubes = 0;
  let squares = 0;
  groups.forEach((group, g) => {
    const n = group.length;
    if (n < 2) return;
    const left = group.map((_, i) =>
      statistic(groups.map((other, k) => (k === g ? other.filter((__, j) => j !== i) : [...other]))),
    );
    const mean = left.reduce((sum, value) => sum + value, 0) / n;
    for (const value of left) {
      const influence = (n - 1) * (mean - value);
      cubes += influence ** 3 / n ** 3;
      squares += influence ** 2 / n ** 2;
    }
  });
  if (squares === 0 || !Number.isFinite(squares)) return 0;
  return cubes / (6 * squares ** 1.5);
}

/** The smallest atom whose cumulative probability reaches `p`. Rounding in the sum is forgiven. */
function atomQuantile(atoms: readonly Atom[], p: number): number {
  let sum = 0;
  for (const atom of atoms) {
    sum += atom.probability;
    if (sum >= p - 1e-12) return atom.value;
  }
  return atoms.at(-1)?.value ?? Number.NaN;
}

/**
 * The bias-corrected and accelerated bootstrap interval (Efron 1987).
 *
 * Ties count half in the bias correction, because a median of few values is often hit exactly. Defined in every
 * degenerate case: a distribution of one atom gives that atom twice; an estimate outside of the distribution moves the
 * bias correction to the edge of what the distribution can tell, not to infinity.
 *
 * @param estimate the statistic of the data
 * @param atoms its bootstrap distribution, ascending
 * @param a the acceleration
 * @param confidence 0.95 by default
 */
export function bcaInterval(estimate: number, atoms: readonly Atom[], a: number, confidence = 0.95): Interval {
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`bcaInterval: confidence is ${confidence}, allowed is between 0 and 1`);
  }
  const first = atoms[0];
  if (first === undefined) throw new RangeError('bcaInterval: the distribution is empty');
  if (atoms.length === 1) return { low: first.value, high: first.value };
  const tolerance = Math.abs(estimate) * 1e-12;
  let below = 0;
  for (const atom of atoms) {
    if (atom.value < estimate - tolerance) below += atom.probability;
    else if (atom.value <= estimate + tolerance) below += atom.probability / 2;
  }
  const edge = 1e-6;
  const z0 = normalQuantile(Math.min(1 - edge, Math.max(edge, below)));
  const adjusted = (alpha: number) => {
    const z = z0 + normalQuantile(alpha);
    const denominator = 1 - a * z;
    // Beyond this point Efron's transformation turns around; the limit from inside is the end of the distribution.
    if (denominator <= 0) return z > 0 ? 1 : 0;
    return normalCdf(z0 + z / denominator);
  };
  const tail = (1 - confidence) / 2;
  return { low: atomQuantile(atoms, adjusted(tail)), high: atomQuantile(atoms, adjusted(1 - tail)) };
}
