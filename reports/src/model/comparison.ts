import type { Accelerator, MetricName, Placement, SubjectId } from '@plumbline/datasets';
import { group } from 'd3';
import { type Interval, LEAST_BOOTS, medianRatio, permutationTest } from '../statistics/index.ts';
import { type Figure, pointKey, seriesKey } from './figure.ts';
import { METRICS } from './metric.ts';

/** `points only`: too few boots for a verdict. */
export type Verdict = 'better' | 'worse' | 'no difference found' | 'points only';

/** One subject against a baseline at one point. */
export type Comparison = {
  /** How many times better: above 1 is better, whichever way the metric runs. */
  ratio: number;
  /** Null with fewer than five boots on a side. */
  interval: Interval | null;
  /** Two-sided permutation test; null with fewer than five boots on a side. */
  p: number | null;
  verdict: Verdict;
  placement: Placement;
  /** Boots used: of the subject and of the baseline. */
  boots: [number, number];
  subject: Figure;
  baseline: Figure;
};

const slicesOf = (figure: Figure) =>
  figure.points.reduce((sum, point) => sum + (point.excluded === null ? point.slices : 0), 0);

/**
 * The placement with the most slices common to both sides, of those in which both have enough boots for a verdict when
 * there are such. `mixed` is never comparable; `unknown` only where nothing better is common. Ties go to the one named
 * first: near, far, remote.
 */
export function commonPlacement(a: readonly Figure[], b: readonly Figure[]): Placement | null {
  for (const candidates of [['near', 'far', 'remote', 'none'], ['unknown']] as Placement[][]) {
    let best: { placement: Placement; slices: number } | null = null;
    const boots = (side: readonly Figure[], placement: Placement) =>
      Math.max(0, ...side.filter((figure) => figure.placement === placement).map((figure) => figure.boots));
    const enough = candidates.filter((placement) => Math.min(boots(a, placement), boots(b, placement)) >= LEAST_BOOTS);
    for (const placement of enough.length > 0 ? enough : candidates) {
      const sum = (side: readonly Figure[]) =>
        side.filter((f) => f.placement === placement && f.boots > 0).reduce((total, f) => total + slicesOf(f), 0);
      const slices = Math.min(sum(a), sum(b));
      if (slices > 0 && (best === null || slices > best.slices)) best = { placement, slices };
    }
    if (best !== null) return best.placement;
  }
  return null;
}

/** True when figures of these accelerators may be put side by side: the same one, or a guest on KVM and the host. */
export function comparable(a: Accelerator, b: Accelerator): boolean {
  return a === b || (a !== 'tcg' && b === 'none') || (b !== 'tcg' && a === 'none');
}

/**
 * Compares two sets of figures of one point, each with its placements, in the placement they share most.
 *
 * @returns null when nothing is comparable: no common placement, another host, accelerator or point, or a zero
 */
export function compare(subject: readonly Figure[], baseline: readonly Figure[]): Comparison | null {
  const placement = commonPlacement(subject, baseline);
  const ours = subject.find((figure) => figure.placement === placement && figure.boots > 0);
  const theirs = baseline.find((figure) => figure.placement === placement && figure.boots > 0);
  if (placement === null || ours === undefined || theirs === undefined) return null;
  if (pointKey(ours) !== pointKey(theirs) || !comparable(ours.accelerator, theirs.accelerator)) return null;
  const values = (figure: Figure) => figure.points.filter((p) => p.excluded === null).map((p) => p.value);
  const [a, b] = [values(ours), values(theirs)];
  if ([...a, ...b].some((value) => !(value > 0))) return null;
  const more = METRICS[ours.metric].better === 'more';
  const { ratio, interval } = more ? medianRatio(a, b) : medianRatio(b, a);
  const boots: [number, number] = [a.length, b.length];
  const base = { ratio, interval, placement, boots, subject: ours, baseline: theirs };
  if (interval === null || Math.min(...boots) < LEAST_BOOTS) return { ...base, p: null, verdict: 'points only' };
  // Rates and times spread in proportion to their size: the test is on logarithms.
  const { p } = permutationTest(a.map(Math.log), b.map(Math.log));
  const apart = p < 0.05 && (interval.low > 1 || interval.high < 1);
  return { ...base, p, verdict: apart ? (ratio > 1 ? 'better' : 'worse') : 'no difference found' };
}

/** Which subject is the Linux to compare with: the guest on the same accelerator; on KVM without one, the host. */
export function baselineSubjects(accelerator: Accelerator): SubjectId[] {
  return accelerator === 'tcg' || accelerator === 'none' ? ['linux-guest'] : ['linux-guest', 'linux-host'];
}

const COMPARED: readonly SubjectId[] = ['plumbline', 'plumbline-unmodified'];

/** Every comparison of one of our subjects with Linux that figures allow; the loss rate has no ratio. */
export function comparisonsWithLinux(figures: readonly Figure[]): Comparison[] {
  const points = group(
    figures.filter((figure) => figure.metric !== 'loss'),
    pointKey,
  );
  const found: Comparison[] = [];
  for (const atPoint of points.values()) {
    const ours = atPoint.filter((figure) => COMPARED.includes(figure.subject));
    const sides = group(ours, (figure) => JSON.stringify([seriesKey(figure), figure.accelerator]));
    for (const side of sides.values()) {
      const accelerator = side[0]?.accelerator ?? 'none';
      for (const baseline of baselineSubjects(accelerator)) {
        const theirs = atPoint.filter(
          (figure) => figure.subject === baseline && comparable(accelerator, figure.accelerator),
        );
        const comparison = compare(side, theirs);
        if (comparison === null) continue;
        found.push(comparison);
        break;
      }
    }
  }
  return found;
}

/** The dimension of variants whose values are compared with each other, and which is the baseline. */
const QUEUES = { dimension: 'net', subject: 'zerocopy', baseline: 'copy' } as const;

const netOf = (figure: Figure): unknown => figure.variant.values[QUEUES.dimension];
/** What has no ratio, or a chart of its own that says more than one. */
const NOT_COMPARED: readonly MetricName[] = ['loss', 'copies-per-request', 'bytes-copied-per-request'];

/** A variant without that dimension. */
const otherwise = (figure: Figure): string =>
  JSON.stringify(
    Object.entries(figure.variant.values)
      .filter(([name]) => name !== QUEUES.dimension)
      .sort(),
  );

/**
 * Every comparison of the kernel's zero-copy queues with its copying ones: one subject, one accelerator, variants that
 * differ in nothing else, under load over TCP.
 */
export function comparisonsOfQueues(figures: readonly Figure[]): Comparison[] {
  const streams = new Set(figures.filter((f) => netOf(f) === QUEUES.baseline).map((f) => f.workload));
  const alike = group(
    figures.filter((f) => !NOT_COMPARED.includes(f.metric) && streams.has(f.workload) && COMPARED.includes(f.subject)),
    (f) => JSON.stringify([pointKey(f), f.subject, f.accelerator, otherwise(f)]),
  );
  return [...alike.values()].flatMap((atPoint) => {
    const side = (value: string) => atPoint.filter((f) => netOf(f) === value);
    const comparison = compare(side(QUEUES.subject), side(QUEUES.baseline));
    return comparison === null ? [] : [comparison];
  });
}
