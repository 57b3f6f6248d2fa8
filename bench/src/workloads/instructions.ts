import { connectToCounters, instructionsPerRequest } from '../counting/index.ts';
import { BenchError } from '../errors.ts';
import type { RunOptions } from '../generator/protocol.ts';
import { SubjectFailure } from '../subjects/failure.ts';
import { variantsOf } from '../subjects/subject.ts';
import { loadMix, memcachedTraffic } from './mix.ts';
import { derivedSeed } from './random.ts';
import { startAnswering } from './start.ts';
import type { BootContext, BootTemplate, PlanRequest, Point, Workload } from './workload.ts';

const CONNECTIONS = 8;
const OUTSTANDING = 4;
/** Enough that the requests of the last window, which meet an emptying queue, do not show. */
const REQUESTS = 20_000;
/** Requests before the count: caches of the guest's software (allocators, tables) are filled by then. */
const WARM_UP_REQUESTS = 2_000;

function plan(request: PlanRequest): BootTemplate[] {
  const mixes = request.scope === 'quick' ? ['get'] : ['get', 'get-set'];
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
          seconds: subject.hasVariants ? 1 : 3,
        })),
        overheadSeconds: subject.hasVariants ? 3 : 6,
      }));
  });
}

function requests(mix: string, count: number, seed: number): RunOptions {
  return {
    traffic: memcachedTraffic(loadMix(mix), derivedSeed(0, 'plain')),
    loop: { kind: 'closed', connections: CONNECTIONS, outstanding: OUTSTANDING },
    limit: { kind: 'requests', requests: count },
    warmup: { kind: 'none' },
    sliceMs: 0,
    probe: false,
    // Instructions are counted, not time: a slow emulator loses nothing before this.
    lossTimeoutMs: 5_000,
    settleMs: 0,
    seed,
    timeoutMs: 120_000,
  };
}

async function run(context: BootContext): Promise<void> {
  const config = { ...context.bootConfig(), counting: true };
  try {
    context.progress('starting');
    const { running, orFailure } = await startAnswering(context.prepared, config);
    if (running.countingSocket === undefined) throw new BenchError(`${context.plan.subject} cannot count instructions`);
    const counters = await connectToCounters(running.countingSocket);
    config.resources.defer(() => counters.close());
    const { keyspace } = memcachedTraffic(loadMix('get'), derivedSeed(0, 'plain'));
    await orFailure(running.generator.populate({ keyspace, timeoutMs: 60_000 }));
    for (const point of context.plan.points) {
      const mix = String(point.parameters.mix);
      context.progress(mix);
      await orFailure(running.generator.run(requests(mix, WARM_UP_REQUESTS, derivedSeed(context.seed, 'warm'))));
      const before = await counters.read();
      const { totals } = await orFailure(running.generator.run(requests(mix, REQUESTS, context.seed)));
      const after = await counters.read();
      if (totals.replies !== REQUESTS || totals.bad > 0) {
        throw new SubjectFailure(
          `of ${REQUESTS} requests ${totals.replies} were answered, ${totals.bad} wrongly`,
          running.console(),
        );
      }
      await record(context, point, instructionsPerRequest(before, after, REQUESTS));
    }
    await running.stop();
  } finally {
    await config.resources.close();
  }
}

async function record(
  context: BootContext,
  point: Point,
  { busy, ...parts }: ReturnType<typeof instructionsPerRequest>,
): Promise<void> {
  await context.record(point, [{ metric: 'instructions-per-request', value: busy, placement: 'none', parts }]);
}

/** Guest instructions for each request, counted from outside under TCG: the exact tier. */
export const instructions: Workload = {
  id: 'instructions',
  title: 'instructions per request (counted under TCG)',
  plan,
  run,
};
