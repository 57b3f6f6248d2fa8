export { acceleration, bcaInterval, type Interval } from './bca.ts';
export { type Atom, medianDistribution, medianRatioDistribution, resampledDistribution } from './bootstrap.ts';
export { LEAST_BOOTS, median, medianInterval, medianRatio, quantile, type Ratio } from './medians.ts';
export { normalCdf, normalQuantile } from './normal.ts';
export { type PermutationResult, permutationTest } from './permutation.ts';
export { type Random, seededRandom } from './random.ts';
