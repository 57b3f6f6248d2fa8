import { median, quantileSorted } from 'simple-statistics';
import { acceleration, bcaInterval, type Interval } from './bca.ts';
import { medianDistribution, medianRatioDistribution } from './bootstrap.ts';
import { seededRandom } from './random.ts';

export { median };

/**
 * Fewer boots than this give points and no interval: no distribution-free interval for a median of n values reaches
 * more than 1 - 2^(1-n), which is 75 % for three, 87.5 % for four and 93.75 % for five.
 */
export const LEAST_BOOTS = 5;

/** The p-quantile (0 to 1) of values in any order, by simple-statistics' definition. */
export function quantile(values: readonly number[], p: number): number {
  return quantileSorted(
    [...values].sort((x, y) => x - y),
    p,
  );
}

/** The BCa interval of the median, or null with fewer than `LEAST_BOOTS` values. */
export function medianInterval(values: readonly number[], confidence = 0.95): Interval | null {
  if (values.length < LEAST_BOOTS) return null;
  const a = acceleration([values], ([group]) => median(group ?? []));
  return bcaInterval(median([...values]), medianDistribution(values), a, confidence);
}

export type Ratio = { ratio: number; interval: Interval | null };

/**
 * The ratio of two medians with its BCa interval, the boots of each side resampled on their own.
 *
 * @param numerator values of the boots of one side, one or more
 * @param denominator values of the other side, all above zero
 * @returns the interval is null when a side has fewer than `LEAST_BOOTS` boots
 * @throws RangeError for an empty side or a value of the denominator that is not above zero
 */
export function medianRatio(
  numerator: readonly number[],
  denominator: readonly number[],
  options: { confidence?: number; seed?: number } = {},
): Ratio {
  if (numerator.length === 0 || denominator.length === 0) throw new RangeError('medianRatio: a side has no boots');
  if (denominator.some((value) => !(value > 0))) {
    throw new RangeError('medianRatio: every value of the denominator must be above zero');
  }
  const ratio = median([...numerator]) / median([...denominator]);
  if (numerator.length < LEAST_BOOTS || denominator.length < LEAST_BOOTS) return { ratio, interval: null };
  const statistic = ([x, y]: number[][]) => median(x ?? []) / median(y ?? []);
  const a = acceleration([numerator, denominator], statistic);
  const atoms = medianRatioDistribution(numerator, denominator, seededRandom(options.seed ?? 1));
  return { ratio, interval: bcaInterval(ratio, atoms, a, options.confidence ?? 0.95) };
}
