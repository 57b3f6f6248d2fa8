import type { Placement } from '@plumbline/datasets';
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

/** Whether the report or a target compares the first with the second at points that both have. */
function compared(a: BootTemplate, b: BootTemplate): boolean {
  if (a.workload !== 'memcached-udp' || b.workload !== a.workload || a.subject !== 'plumbline') return false;
  if (b.subject === 'echo') return a.accelerator === b.accelerator;
  return b.subject === 'linux-guest' || (b.subject === 'linux-host' && a.accelerator !== 'tcg');
}

const keyOf = (template: BootTemplate, { parameters }: Point): string =>
  pointKey({ ...template, parameters, index: 0 });

function throughputOf(template: BootTemplate, { parameters }: Point, figures: readonly Figure[]): Figure[] {
  const key = keyOf(template, { parameters, seconds: 0 });
  return figures.filter((figure) => figure.metric === 'throughput' && pointKey({ ...figure, index: 0 }) === key);
}

/** The placement in which a comparison lacks the least, and each side's boots in it. */
function nearest(ours: readonly Figure[], theirs: readonly Figure[]) {
  const [best] = PLACEMENTS.map((placement) => {
    const boots = [bootsIn(ours, placement), bootsIn(theirs, placement)] as const;
    return { placement, boots };
  }).sort((a, b) => Math.min(...b.boots) - Math.min(...a.boots) || Math.max(...b.boots) - Math.max(...a.boots));
  return best;
}

/**
 * The boots to add for comparisons in which no placement of the cores has enough boots on both sides, each with only the
 * points that lack them and the placements they are for. What decides is where the cores were and what was disturbed,
 * never a value: adding boots so does not favour any result.
 * @param templates what the run plans for each condition.
 * @param figures what it has measured.
 */
export function lackingBoots(
  templates: readonly BootTemplate[],
  figures: readonly Figure[],
  least: number,
): BootTemplate[] {
  const wanted = new Map<string, Set<Placement>>();
  for (const ours of templates) {
    for (const theirs of templates.filter((other) => compared(ours, other))) {
      for (const point of ours.points) {
        const parameters = JSON.stringify(point.parameters);
        const opposite = theirs.points.find((other) => JSON.stringify(other.parameters) === parameters);
        if (!opposite) continue;
        const sides = [throughputOf(ours, point, figures), throughputOf(theirs, opposite, figures)] as const;
        if (placementsWithEnough(...sides, least).length > 0) continue;
        const best = nearest(...sides);
        for (const [side, of] of [ours, theirs].entries()) {
          if (!best || (best.boots[side] ?? 0) >= least) continue;
          const key = keyOf(of, point);
          const seek = wanted.get(key) ?? new Set();
          wanted.set(key, seek);
          // Without any boot there is no placement to look for yet.
          if (Math.max(...best.boots) > 0) seek.add(best.placement);
        }
      }
    }
  }
  return templates.flatMap((template) => {
    const points = template.points.flatMap((point): Point[] => {
      const seek = wanted.get(keyOf(template, point));
      return seek ? [{ ...point, seek: [...seek] }] : [];
    });
    return points.length > 0 ? [{ ...template, points }] : [];
  });
}
