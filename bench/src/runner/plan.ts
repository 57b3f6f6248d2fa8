import { parseVariant } from '@plumbline/variants';
import { findSubject } from '../subjects/index.ts';
import type { GuestAccelerator } from '../vmm/index.ts';
import { type BootPlan, type BootTemplate, findWorkload } from '../workloads/index.ts';
import { derivedSeed, randomSource, shuffled } from '../workloads/random.ts';
import { pointKey, type RunRequest } from './request.ts';

/** All boots of a run in the order in which they are made. */
export interface RunPlan {
  readonly boots: readonly BootPlan[];
  /** The conditions, each of which is booted once a round. */
  readonly templates: readonly BootTemplate[];
  readonly seconds: number;
}

/** Expected seconds of a boot with its points. */
export function bootSeconds(boot: BootPlan): number {
  return boot.overheadSeconds + boot.points.reduce((sum, point) => sum + point.seconds, 0);
}

/** A boot with the points that are asked for, if any. */
function onlyPoints(template: BootTemplate, { only = [] }: RunRequest): BootTemplate[] {
  const key = (of: Parameters<typeof pointKey>[0]): string => pointKey({ ...of, accelerator: 'none', index: 0 });
  const wanted = new Set(
    only.map((point) => key({ ...point, variant: { name: point.variant }, accelerator: 'none', index: 0 })),
  );
  const points = template.points.filter(({ parameters }) => wanted.has(key({ ...template, parameters, index: 0 })));
  return points.length === 0 ? [] : [{ ...template, points }];
}

/**
 * Plans a run: every condition once in each round, the order within a round drawn from the seed, so that what drifts on
 * the host meets all conditions alike.
 * @throws UsageError, UnknownVariantError for names that do not exist.
 */
export function planRun(request: RunRequest, host: GuestAccelerator): RunPlan {
  const subjects = request.subjects.map(findSubject);
  const variants = request.variants.map(parseVariant);
  const templates = request.workloads
    .map(findWorkload)
    .flatMap((workload) => workload.plan({ host, subjects, variants, scope: request.scope }));
  const chosen =
    request.only === undefined ? templates : templates.flatMap((template) => onlyPoints(template, request));
  const boots = Array.from({ length: request.boots }, (_, index) => planRound(chosen, request.seed, index)).flat();
  return { boots, templates: chosen, seconds: boots.reduce((sum, boot) => sum + bootSeconds(boot), 0) };
}

/** One round: every template once, as the boot of this index, in an order drawn from the seed. */
function planRound(templates: readonly BootTemplate[], seed: number, index: number): BootPlan[] {
  const random = randomSource(derivedSeed(seed, `order ${index}`));
  return shuffled(templates, random).map((template) => ({ ...template, index }));
}
