import { BenchError } from '../errors.ts';
import type { BootContext, BootTemplate, PlanRequest, Workload } from './workload.ts';

/** One seed for all boots: the same computation every time. */
const ICOUNT_SEED = 1;

function plan(request: PlanRequest): BootTemplate[] {
  return request.subjects
    .filter((subject) => subject.id === 'plumbline')
    .flatMap((subject) =>
      request.variants
        .filter((variant) => variant.name === 'default' || request.scope === 'full')
        .map((variant) => ({
          workload: 'determinism',
          subject: subject.id,
          variant,
          accelerator: 'tcg' as const,
          points: [{ parameters: { measure: 'start', machine: 'microvm', vcpus: 1 }, seconds: 2 }],
          overheadSeconds: 0.5,
        })),
    );
}

async function run(context: BootContext): Promise<void> {
  const { prepared } = context;
  if (!prepared.startByInstructions) throw new BenchError(`${context.plan.subject} cannot start under icount`);
  for (const point of context.plan.points) {
    const config = context.bootConfig();
    try {
      const value = await prepared.startByInstructions(config, ICOUNT_SEED);
      await context.record(point, [{ metric: 'guest-boot-time', value, placement: 'none' }]);
    } finally {
      await config.resources.close();
    }
  }
}

/** The guest's own start in virtual time, one instruction a nanosecond: every boot must give the same figure. */
export const determinism: Workload = {
  id: 'determinism',
  title: 'determinism: the start of the guest, counted in instructions',
  plan,
  run,
};
