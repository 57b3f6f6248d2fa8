import type { Placement } from '@plumbline/datasets';
import { compare, type Figure } from '@plumbline/reports';
import { baselineName, type Target, type TargetBound, type TargetFigure } from '../../targets.ts';
import { placementsWithEnough } from './coverage.ts';

/** What became of a target. `not measured` counts as falling short. */
export type VerdictKind = 'holds' | 'falls short' | 'not measured';

export interface Verdict {
  readonly target: Target;
  readonly verdict: VerdictKind;
  /** The figure that the bound speaks of: a median, a ratio, or the width of the range for `identical`. */
  readonly value: number | null;
  readonly unit: string;
  readonly low: number | null;
  readonly high: number | null;
  readonly placement: Placement | null;
  readonly boots: number;
  /** What is missing, for `not measured`. */
  readonly note: string;
}

function sameParameters(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** The figures, one a placement, that a target means. */
export function figuresFor(of: TargetFigure, figures: readonly Figure[]): Figure[] {
  return figures.filter(
    (figure) =>
      figure.workload === of.workload &&
      figure.subject === of.subject &&
      figure.variant.name === of.variant &&
      figure.metric === of.metric &&
      (figure.accelerator === 'tcg') === (of.tier === 'exact') &&
      sameParameters(figure.parameters, of.parameters),
  );
}

const usable = (figure: Figure) => figure.points.filter((point) => point.excluded === null);

function notMeasured(target: Target, figures: readonly Figure[], what = target.figure): Verdict {
  const unused = figures.flatMap((figure) => figure.points).filter((point) => point.excluded !== null);
  const why =
    unused.length > 0
      ? `its ${unused.length} boots were ${[...new Set(unused.map((point) => point.excluded))].join(' or ')}`
      : 'no boot gave it';
  return {
    target,
    verdict: 'not measured',
    value: null,
    unit: '',
    low: null,
    high: null,
    placement: null,
    boots: 0,
    note: `${what.subject} ${what.variant}: ${why}`,
  };
}

function tooFew(of: TargetFigure, boots: number, least: number): string {
  return `${of.subject} ${of.variant}: ${boots} of the ${least} boots that are needed`;
}

function judgeValue(
  target: Target,
  bound: Extract<TargetBound, { kind: 'at-most' | 'at-least' }>,
  figures: readonly Figure[],
  least: number,
): Verdict {
  const own = figuresFor(target.figure, figures);
  const best = own.filter((figure) => figure.median !== null).sort((a, b) => usable(b).length - usable(a).length)[0];
  if (!best || best.median === null) return notMeasured(target, own);
  if (best.boots < least) return { ...notMeasured(target, own), note: tooFew(target.figure, best.boots, least) };
  const { part } = target.figure;
  const value = part === undefined ? best.median : best.parts[part];
  if (value === undefined)
    return { ...notMeasured(target, own), note: `${best.subject}: its ${part} part was not recorded` };
  return {
    target,
    verdict: (bound.kind === 'at-most' ? value <= bound.value : value >= bound.value) ? 'holds' : 'falls short',
    value,
    unit: best.unit,
    // Parts have a median, and no interval.
    low: part === undefined ? (best.interval?.low ?? null) : null,
    high: part === undefined ? (best.interval?.high ?? null) : null,
    placement: best.placement,
    boots: best.boots,
    note: '',
  };
}

function judgeRatio(
  target: Target,
  bound: Extract<TargetBound, { kind: 'ratio-at-least' }>,
  figures: readonly Figure[],
  least: number,
): Verdict {
  const { baseline } = bound;
  const ours = figuresFor(target.figure, figures);
  const theirs = figuresFor(baseline, figures);
  if (!ours.some((figure) => figure.boots > 0)) return notMeasured(target, ours);
  if (!theirs.some((figure) => figure.boots > 0)) return notMeasured(target, theirs, baseline);
  const enough = placementsWithEnough(ours, theirs, least);
  const inThem = (side: readonly Figure[]) => side.filter((figure) => enough.includes(figure.placement));
  const comparison = compare(inThem(ours), inThem(theirs));
  if (!comparison) {
    const boots = (side: readonly Figure[]) => side.map((figure) => `${figure.boots} ${figure.placement}`).join(', ');
    return {
      ...notMeasured(target, []),
      note: `no placement of the cores has ${least} boots on both sides: ${target.figure.subject} ${boots(ours)}; ${baselineName(target)} ${boots(theirs)}`,
    };
  }
  return {
    target,
    verdict: comparison.ratio >= bound.value ? 'holds' : 'falls short',
    value: comparison.ratio,
    unit: `times ${baselineName(target)}`,
    low: comparison.interval?.low ?? null,
    high: comparison.interval?.high ?? null,
    placement: comparison.placement,
    boots: Math.min(...comparison.boots),
    note: '',
  };
}

function judgeIdentity(target: Target, figures: readonly Figure[], least: number): Verdict {
  const own = figuresFor(target.figure, figures);
  const values = own.flatMap((figure) => usable(figure).map((point) => point.value));
  if (values.length < least) return { ...notMeasured(target, own), note: tooFew(target.figure, values.length, least) };
  const low = Math.min(...values);
  const high = Math.max(...values);
  return {
    target,
    verdict: low === high ? 'holds' : 'falls short',
    value: low,
    unit: own[0]?.unit ?? '',
    low,
    high,
    placement: own[0]?.placement ?? null,
    boots: values.length,
    note: '',
  };
}

/**
 * Judges a target by the medians of figures over boots.
 * @param least the fewest boots, on each side of a ratio in one placement; with fewer a target is not measured.
 */
export function judge(target: Target, figures: readonly Figure[], least: number): Verdict {
  const { bound } = target;
  if (bound.kind === 'identical') return judgeIdentity(target, figures, least);
  if (bound.kind === 'ratio-at-least') return judgeRatio(target, bound, figures, least);
  return judgeValue(target, bound, figures, least);
}
