import { connectToCounters, instructionsPerRequest } from '../counting/index.ts';
import { BenchError } from '../errors.ts';
import { COPY_WAYS, type CopyCounts } from '../subjects/copy-counters.ts';
import { SubjectFailure } from '../subjects/failure.ts';
import { type Load, overTcp, populate } from './load.ts';
import { derivedSeed } from './random.ts';
import { startAnswering } from './start.ts';
import type { BootContext, Figure, Point } from './workload.ts';

/** How often requests are sent at a point. */
export interface CountedRequests {
  /** Enough that the requests of the last window, which meet an emptying queue, do not show. */
  readonly counted: number;
  /** Before the count: caches of the guest's software (allocators, tables) are filled by then. */
  readonly warmUp: number;
}

/** How often a request's payload was copied, and how many bytes that were; with the ways as parts. */
function copiesPerRequest(before: CopyCounts | undefined, after: CopyCounts | undefined, requests: number): Figure[] {
  if (before === undefined || after === undefined) return [];
  return (['copies', 'bytes'] as const).map((what): Figure => {
    const parts = Object.fromEntries(COPY_WAYS.map((way) => [way, (after[way][what] - before[way][what]) / requests]));
    const value = Object.values(parts).reduce((sum, part) => sum + part, 0);
    return { metric: COPY_METRICS[what], value, placement: 'none', parts };
  });
}

const COPY_METRICS = { copies: 'copies-per-request', bytes: 'bytes-copied-per-request' } as const;

/**
 * Counts the instructions of all points of a boot, requests being sent one window after the other, and records them with
 * the program's part and the kernel's.
 */
export async function countLoad(
  context: BootContext,
  loadOf: (point: Point) => Load,
  describe: (point: Point) => string,
  requestsOf: (load: Load) => CountedRequests,
): Promise<void> {
  const config = { ...context.bootConfig(), counting: true };
  try {
    context.progress('starting');
    const { running, orFailure } = await startAnswering(context.prepared, config);
    if (running.countingSocket === undefined) throw new BenchError(`${context.plan.subject} cannot count instructions`);
    const counters = await connectToCounters(running.countingSocket);
    config.resources.defer(() => counters.close());
    const send = (load: Load, count: number, seed: number) =>
      orFailure(
        running.generator.run({
          ...load,
          limit: { kind: 'requests', requests: count },
          warmup: { kind: 'none' },
          sliceMs: 0,
          probe: false,
          // Instructions are counted, not time: a slow emulator loses nothing before this.
          lossTimeoutMs: 5_000,
          settleMs: 0,
          seed,
          timeoutMs: 120_000,
        }),
      );
    let populated: string | undefined;
    for (const point of context.plan.points) {
      const load = loadOf(point);
      const requests = requestsOf(load);
      context.progress(describe(point));
      const keys = 'keyspace' in load.traffic ? JSON.stringify(load.traffic.keyspace) : undefined;
      if (keys !== populated) await orFailure(populate(running, load, 60_000));
      populated = keys;
      await send(load, requests.warmUp, derivedSeed(context.seed, 'warm'));
      const copiesBefore = await running.copies?.();
      const before = await counters.read();
      const { totals } = await send(load, requests.counted, context.seed);
      const after = await counters.read();
      const copiesAfter = await running.copies?.();
      // A stream ends with what was on its way.
      const all =
        load.traffic.protocol === 'stream' ? totals.replies >= requests.counted : totals.replies === requests.counted;
      if (!all || totals.bad > 0) {
        throw new SubjectFailure(
          `of ${requests.counted} requests ${totals.replies} were answered, ${totals.bad} wrongly`,
          running.console(),
        );
      }
      const { busy, ...parts } = instructionsPerRequest(before, after, totals.replies);
      await context.record(point, [
        { metric: 'instructions-per-request', value: busy, placement: 'none', parts },
        ...(overTcp(load) ? copiesPerRequest(copiesBefore, copiesAfter, totals.replies) : []),
      ]);
    }
    await running.stop();
  } finally {
    await config.resources.close();
  }
}
