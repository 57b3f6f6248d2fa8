import { connectToCounters, type InstructionsPerRequest, instructionsPerRequest } from '../counting/index.ts';
import { BenchError } from '../errors.ts';
import { COPY_WAYS, type CopyCount, type CopyCounts } from '../subjects/copy-counters.ts';
import { SubjectFailure } from '../subjects/failure.ts';
import type { GuestShape } from '../subjects/subject.ts';
import { brokenStream, type Load, overTcp, populate } from './load.ts';
import { derivedSeed } from './random.ts';
import { startAnswering } from './start.ts';
import type { BootContext, Figure, Point } from './workload.ts';

/** How often requests are sent at a point. */
export interface CountedRequests {
  /** Enough that the requests of the last window, which meet an emptying queue, do not show. */
  readonly counted: number;
  /** Before the count: caches of the guest's software (allocators, tables) are filled by then. Over TCP sent twice. */
  readonly warmUp: number;
}

/** What was counted in one run of the generator. */
interface CountedRun {
  readonly requests: number;
  /** Each request's share of the whole run. */
  readonly instructions: InstructionsPerRequest;
  /** Where the guest counts them. */
  readonly copies?: Record<keyof CopyCount, Readonly<Record<string, number>>>;
}

/**
 * What each request cost by which the longer of two runs was longer, from each run's cost per request. What runs have
 * once each is not in it: opening their connections, closing those of the run before, the end of a stream to the server.
 */
export function costOfMore<Name extends string>(
  long: Readonly<Record<Name, number>>,
  requests: number,
  short: Readonly<Record<Name, number>>,
  fewer: number,
): Record<Name, number> {
  if (!(requests > fewer)) throw new RangeError(`a run of ${requests} requests is not longer than one of ${fewer}`);
  // What chance alone decides (an idle moment, a copy to make room) may be more in the short one.
  const cost = (name: Name): number => Math.max(0, (long[name] * requests - short[name] * fewer) / (requests - fewer));
  return Object.fromEntries((Object.keys(long) as Name[]).map((name) => [name, cost(name)])) as Record<Name, number>;
}

/** The run without what it has in common with a shorter one. */
function beyond(long: CountedRun, short: CountedRun): CountedRun {
  const of = <Name extends string>(a: Readonly<Record<Name, number>>, b: Readonly<Record<Name, number>>) =>
    costOfMore(a, long.requests, b, short.requests);
  const { copies } = long;
  return {
    requests: long.requests - short.requests,
    instructions: of({ ...long.instructions }, { ...short.instructions }),
    ...(copies === undefined || short.copies === undefined
      ? {}
      : { copies: { copies: of(copies.copies, short.copies.copies), bytes: of(copies.bytes, short.copies.bytes) } }),
  };
}

/** How often a request's payload was copied, and how many bytes that were, by the way. */
function copiesPerRequest(before: CopyCounts, after: CopyCounts, requests: number): NonNullable<CountedRun['copies']> {
  const by = (what: keyof CopyCount) =>
    Object.fromEntries(COPY_WAYS.map((way) => [way, (after[way][what] - before[way][what]) / requests]));
  return { copies: by('copies'), bytes: by('bytes') };
}

const COPY_METRICS = { copies: 'copies-per-request', bytes: 'bytes-copied-per-request' } as const;

/** The copies, with the ways as parts. */
function copyFigures({ copies }: CountedRun): Figure[] {
  if (copies === undefined) return [];
  return (['copies', 'bytes'] as const).map((what): Figure => {
    const parts = copies[what];
    const value = Object.values(parts).reduce((sum, part) => sum + part, 0);
    return { metric: COPY_METRICS[what], value, placement: 'none', parts: { ...parts } };
  });
}

/**
 * Counts the instructions of all points of a boot, requests being sent one window after the other, and records them with
 * the program's part and the kernel's. Over TCP two runs are counted, and the figure is that of the requests by which the
 * second is longer: both open as many connections, and both meet the resets of as many.
 * @param shape what guests have that differs from other comparisons
 */
export async function countLoad(
  context: BootContext,
  loadOf: (point: Point) => Load,
  describe: (point: Point) => string,
  requestsOf: (load: Load) => CountedRequests,
  shape: Partial<GuestShape> = {},
): Promise<void> {
  const config = { ...context.bootConfig(shape), counting: true };
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
    const countRun = async (load: Load, count: number, seed: number): Promise<CountedRun> => {
      const copiesBefore = await running.copies?.();
      const before = await counters.read();
      const result = await send(load, count, seed);
      const after = await counters.read();
      const copiesAfter = await running.copies?.();
      const { totals } = result;
      const broken = brokenStream(load, result);
      if (broken !== undefined) throw new SubjectFailure(broken, running.console());
      // A stream ends with what was on its way.
      const all = load.traffic.protocol === 'stream' ? totals.replies >= count : totals.replies === count;
      if (!all || totals.bad > 0) {
        throw new SubjectFailure(
          `of ${count} requests ${totals.replies} were answered, ${totals.bad} wrongly`,
          running.console(),
        );
      }
      return {
        requests: totals.replies,
        instructions: instructionsPerRequest(before, after, totals.replies),
        ...(copiesBefore === undefined || copiesAfter === undefined
          ? {}
          : { copies: copiesPerRequest(copiesBefore, copiesAfter, totals.replies) }),
      };
    };
    let populated: string | undefined;
    for (const point of context.plan.points) {
      const load = loadOf(point);
      const requests = requestsOf(load);
      context.progress(describe(point));
      const keys = 'keyspace' in load.traffic ? JSON.stringify(load.traffic.keyspace) : undefined;
      if (keys !== populated) await orFailure(populate(running, load, 60_000));
      populated = keys;
      await send(load, requests.warmUp, derivedSeed(context.seed, 'warm'));
      const short = overTcp(load)
        ? await countRun(load, requests.warmUp, derivedSeed(context.seed, 'short'))
        : undefined;
      const whole = await countRun(load, requests.counted, context.seed);
      const run = short === undefined ? whole : beyond(whole, short);
      const { busy, ...parts } = run.instructions;
      await context.record(point, [
        { metric: 'instructions-per-request', value: busy, placement: 'none', parts },
        ...(overTcp(load) ? copyFigures(run) : []),
      ]);
    }
    await running.stop();
  } finally {
    await config.resources.close();
  }
}
