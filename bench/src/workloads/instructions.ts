import { MEMCACHED_UDP } from '../subjects/service.ts';
import { variantsOf } from '../subjects/subject.ts';
import { countLoad } from './counted.ts';
import type { Load } from './load.ts';
import { mixTraffic } from './mix.ts';
import type { BootTemplate, PlanRequest, Point, Workload } from './workload.ts';

const CONNECTIONS = 8;
const OUTSTANDING = 4;
/** Enough that the requests of the last window, which meet an emptying queue, do not show. */
const REQUESTS = 20_000;
/** Requests before the count: caches of the guest's software (allocators, tables) are filled by then. */
const WARM_UP_REQUESTS = 2_000;

function plan(request: PlanRequest): BootTemplate[] {
  const mixes = request.scope === 'full' ? ['get', 'get-set'] : ['get'];
  return request.subjects.flatMap((subject) => {
    const accelerator = subject.exactAccelerator;
    if (accelerator === undefined) return [];
    return variantsOf(subject, request.variants)
      .filter((variant) => !subject.hasVariants || variant.name === 'default' || request.scope === 'full')
      .map((variant) => ({
        workload: 'instructions',
        subject: subject.id,
        variant,
        accelerator,
        points: mixes.map((mix) => ({
          parameters: { mix, connections: CONNECTIONS, outstanding: OUTSTANDING },
          seconds: subject.hasVariants ? 1 : 5,
        })),
        overheadSeconds: subject.hasVariants ? 1 : 4,
      }));
  });
}

const describe = ({ parameters }: Point): string => String(parameters.mix);

function loadOf(point: Point): Load {
  const loop = { kind: 'closed', connections: CONNECTIONS, outstanding: OUTSTANDING } as const;
  return { traffic: mixTraffic(describe(point)), loop };
}

/** Guest instructions for each request, counted from outside under TCG: the exact tier. */
export const instructions: Workload = {
  id: 'instructions',
  title: 'instructions per request (counted under TCG)',
  service: MEMCACHED_UDP,
  plan,
  run: (context) => countLoad(context, loadOf, describe, () => ({ counted: REQUESTS, warmUp: WARM_UP_REQUESTS })),
};
