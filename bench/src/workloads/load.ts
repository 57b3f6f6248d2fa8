import { cpuTimeBetween } from 'perf-hooks-extra';
import type { Loop, RunResult, Traffic } from '../generator/protocol.ts';
import type { GuestShape, RunningSubject } from '../subjects/subject.ts';
import { figuresOf, isDisturbed } from './evaluation.ts';
import { derivedSeed, randomSource, shuffled } from './random.ts';
import { startAnswering } from './start.ts';
import type { BootContext, Point, Scope } from './workload.ts';

/** A point is measured at most so often; then it counts as disturbed. */
const REPETITIONS = 3;
/** Seconds of load at a point. */
const SECONDS: Record<Scope, number> = { quick: 1, default: 2, full: 4 };
/** Probes, warm-up and draining around a point. */
const AROUND_SECONDS = 0.35;
/** Connections a second that any subject opens at least. */
const OPENED_A_SECOND = 2_000;
/** Expected seconds of a boot, with its population, and of its end. */
export const LOAD_OVERHEAD_SECONDS = 1;

/** Expected seconds of a point under load. */
export function loadSeconds(scope: Scope): number {
  return SECONDS[scope] + AROUND_SECONDS;
}

/** What a point asks of the generator. */
export interface Load {
  readonly traffic: Traffic;
  readonly loop: Loop;
  /** Connections that are opened before and left idle. */
  readonly idleConnections?: number;
  /** Addresses that connections come from. */
  readonly sources?: number;
}

/** Whether a load comes over TCP. */
export function overTcp({ traffic }: Load): boolean {
  return traffic.protocol === 'memcached' || traffic.protocol === 'echo' ? traffic.transport === 'tcp' : true;
}

/** Why a stream is no measurement: bytes of a connection that ended unasked are lost without being missed. */
export function brokenStream(
  { traffic }: Pick<Load, 'traffic'>,
  { totals }: Pick<RunResult, 'totals'>,
): string | undefined {
  if (traffic.protocol !== 'stream' || totals.resets === 0) return undefined;
  return `${totals.resets} of ${totals.opened} connections of the stream ended though nobody wanted it (RST, time-out or FIN from the server)`;
}

interface MeasuredPoint extends Load {
  readonly point: Point;
}

/** The keys that must be stored before this traffic; undefined when it needs none. */
function keysOf({ traffic }: Load): Extract<Traffic, { keyspace: unknown }>['keyspace'] | undefined {
  return 'keyspace' in traffic ? traffic.keyspace : undefined;
}

/** Stores the keys of some traffic. */
export async function populate(running: RunningSubject, load: Load, timeoutMs: number): Promise<void> {
  const { traffic } = load;
  if (!('keyspace' in traffic)) return;
  const { protocol, keyspace } = traffic;
  const transport = overTcp(load) ? 'tcp' : 'udp';
  await running.generator.populate({ protocol, transport, keyspace, timeoutMs });
}

/** Measures one point, again when the host disturbed it, and records it. */
async function measurePoint(context: BootContext, running: RunningSubject, what: MeasuredPoint): Promise<void> {
  const seconds = SECONDS[context.scope];
  const { point, ...load } = what;
  for (let repetition = 1; ; repetition += 1) {
    const before = context.hostState();
    const threadsBefore = await running.serverThreads();
    const result = await running.generator.run({
      ...load,
      limit: { kind: 'seconds', seconds },
      warmup: { kind: 'steady', maxSeconds: 1 },
      seed: derivedSeed(context.seed, `${JSON.stringify(point.parameters)} ${repetition}`),
      timeoutMs: (seconds * 5 + 10 + (load.idleConnections ?? 0) / OPENED_A_SECOND) * 1000,
    });
    const served = cpuTimeBetween(threadsBefore, await running.serverThreads());
    // Between slices the server rests while the cores are probed: only time under load counts.
    const loaded =
      result.warmupNs +
      result.slices.reduce((sum, slice) => sum + slice.durationNs * Number(slice.phase === 'measure'), 0);
    // Opening the idle connections is the server's work, too, and its time is not known apart.
    const serverBusy = (load.idleConnections ?? 0) > 0 ? undefined : Math.min(1, served / loaded);
    const { totals } = result;
    if (totals.bad > 0) {
      await context.fail(
        point,
        `${totals.bad} of ${totals.replies} replies are wrong: ${result.firstBad ?? 'no example'}`,
        running.console(),
      );
      return;
    }
    const broken = brokenStream(load, result);
    if (broken !== undefined) {
      await context.fail(point, broken, running.console());
      return;
    }
    if (totals.replies === 0) {
      await context.fail(point, `none of ${totals.sent} requests was answered`, running.console());
      return;
    }
    const disturbed = isDisturbed(result);
    if (disturbed && repetition < REPETITIONS) continue;
    const around = { before, after: context.hostState() };
    await context.record(
      point,
      figuresOf(result, context.plan.subject, serverBusy, disturbed, around, load.traffic.protocol),
    );
    return;
  }
}

/**
 * Measures all points of a boot under load.
 * @param loadOf what a point asks of the generator
 * @param describe a point, for progress
 * @param shape what guests have that differs from other comparisons
 */
export async function measureLoad(
  context: BootContext,
  loadOf: (point: Point) => Load,
  describe: (point: Point) => string,
  shape: Partial<GuestShape> = {},
): Promise<void> {
  const config = context.bootConfig(shape);
  try {
    context.progress('starting');
    const { running, orFailure } = await startAnswering(context.prepared, config);
    const points = shuffled(context.plan.points, randomSource(context.seed)).map(
      (point): MeasuredPoint => ({ point, ...loadOf(point) }),
    );
    let populated: string | undefined;
    // Points of one set of keys follow each other, so that each set is written once; its order within is random.
    const keyOf = (what: MeasuredPoint): string => JSON.stringify(keysOf(what) ?? null);
    const order = [...new Set(points.map(keyOf))];
    for (const what of order.flatMap((keys) => points.filter((point) => keyOf(point) === keys))) {
      context.progress(describe(what.point));
      if (keyOf(what) !== populated) {
        await orFailure(populate(running, what, 30_000));
        populated = keyOf(what);
      }
      await orFailure(measurePoint(context, running, what));
    }
    await running.stop();
  } finally {
    await config.resources.close();
  }
}
