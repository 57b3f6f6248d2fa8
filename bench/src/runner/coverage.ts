import type { MetricName, Placement, Sample, Slice, SubjectId } from '@plumbline/datasets';
import type { Figure } from '@plumbline/reports';
import type { BootTemplate, Point, Scope } from '../workloads/index.ts';
import { pointKey } from './request.ts';

/**
 * The fewest boots on each side of a comparison. With fewer than five a side no exact permutation test goes below
 * p = 0.1 and there is no interval (reports, LEAST_BOOTS); a quick run shows points, of which one alone shows nothing.
 */
export function leastBoots(scope: Scope): number {
  return scope === 'quick' ? 2 : 5;
}

/** Placements that are compared with their like; a boot's slices in one of them are one value of that placement. */
const PLACEMENTS: readonly Placement[] = ['near', 'far', 'remote', 'unknown', 'none'];

/** The placements in which both sides have enough boots. */
export function placementsWithEnough(a: readonly Figure[], b: readonly Figure[], least: number): Placement[] {
  return PLACEMENTS.filter((placement) => bootsIn(a, placement) >= least && bootsIn(b, placement) >= least);
}

function bootsIn(figures: readonly Figure[], placement: Placement): number {
  return Math.max(0, ...figures.filter((figure) => figure.placement === placement).map((figure) => figure.boots));
}

/**
 * Our subject in each workload whose comparisons get boots beyond the planned rounds. Left out, for the time that they would
 * take from these: nginx, tcp-rr and connect, and the native program's tcp-stream.
 */
const COMPARED: Readonly<Record<string, SubjectId>> = {
  'memcached-udp': 'plumbline',
  'memcached-tcp': 'plumbline-unmodified',
  redis: 'plumbline-unmodified',
  'tcp-stream': 'plumbline-unmodified',
};
/** Workloads in which our variants get them, too, to be compared with each other; redis (50 connections, 16 deep) does not. */
const OF_VARIANTS = ['tcp-stream'];

/** Whether the report or a target compares the first with the second at points that both have. */
function compared(a: BootTemplate, b: BootTemplate): boolean {
  if (b.workload !== a.workload || COMPARED[a.workload] !== a.subject) return false;
  if (b.subject === 'echo') return a.accelerator === b.accelerator;
  if (b.subject === a.subject) {
    return (
      OF_VARIANTS.includes(a.workload) &&
      a.variant.name === 'default' &&
      b.variant.name !== 'default' &&
      a.accelerator === b.accelerator &&
      a.accelerator !== 'tcg'
    );
  }
  return b.subject === 'linux-guest' || (b.subject === 'linux-host' && a.accelerator !== 'tcg');
}

const keyOf = (template: BootTemplate, { parameters }: Point): string =>
  pointKey({ ...template, parameters, index: 0 });

const RATES: readonly MetricName[] = ['throughput', 'bandwidth'];

function throughputOf(template: BootTemplate, { parameters }: Point, figures: readonly Figure[]): Figure[] {
  const key = keyOf(template, { parameters, seconds: 0 });
  return figures.filter((figure) => RATES.includes(figure.metric) && pointKey({ ...figure, index: 0 }) === key);
}

/** A boot that a comparison lacks: a condition with only the points concerned, and how many boots all of them lack. */
export interface LackingBoot {
  readonly template: BootTemplate;
  readonly missing: number;
}

/**
 * The boots to add for comparisons in which no placement of the cores has enough boots on both sides, each with only the
 * points that lack them where the cores are now; what lacks most comes first. What decides is where the cores are and what
 * was disturbed, never a value: adding boots so does not favour any result.
 * @param templates what the run plans for each condition.
 * @param figures what it has measured.
 * @param here where the cores are, as far as is known. They stay there for seconds to minutes, and nobody inside the
 *   machine can move them: so a comparison is completed in the placement that is there, not in one that is wished for.
 */
export function lackingBoots(
  templates: readonly BootTemplate[],
  figures: readonly Figure[],
  least: number,
  here: Placement | undefined,
): LackingBoot[] {
  const wanted = new Map<string, number>();
  for (const ours of templates) {
    for (const theirs of templates.filter((other) => compared(ours, other))) {
      for (const point of ours.points) {
        const parameters = JSON.stringify(point.parameters);
        const opposite = theirs.points.find((other) => JSON.stringify(other.parameters) === parameters);
        if (!opposite) continue;
        const sides = [throughputOf(ours, point, figures), throughputOf(theirs, opposite, figures)] as const;
        if (placementsWithEnough(...sides, least).length > 0) continue;
        for (const [side, of] of [ours, theirs].entries()) {
          const missing = least - (here === undefined ? 0 : bootsIn(sides[side] ?? [], here));
          if (missing > 0) wanted.set(keyOf(of, point), missing);
        }
      }
    }
  }
  return templates
    .map((template): LackingBoot => {
      const points = template.points.filter((point) => wanted.has(keyOf(template, point)));
      const missing = points.reduce((sum, point) => sum + (wanted.get(keyOf(template, point)) ?? 0), 0);
      return { template: { ...template, points }, missing };
    })
    .filter(({ missing }) => missing > 0)
    .sort((a, b) => b.missing - a.missing);
}

/** Where the cores were last seen, of the placements in which comparisons are made. */
export function lastPlacement(samples: readonly Pick<Sample, 'slices'>[]): Placement | undefined {
  const slices = samples
    .flatMap((sample) => sample.slices ?? [])
    .filter(({ placement }) => PLACEMENTS.includes(placement));
  const last = slices.reduce<Slice | undefined>(
    (latest, slice) => (latest === undefined || slice.start_ns >= latest.start_ns ? slice : latest),
    undefined,
  );
  return last?.placement;
}
