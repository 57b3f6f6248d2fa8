import type { SubjectId } from '@plumbline/datasets';
import { cpuTimeBetween } from 'perf-hooks-extra';
import { BenchError } from '../errors.ts';
import type { Loop, Traffic } from '../generator/protocol.ts';
import { type RunningSubject, variantsOf } from '../subjects/subject.ts';
import { figuresOf, isDisturbed } from './evaluation.ts';
import { loadMix, memcachedTraffic } from './mix.ts';
import { derivedSeed, randomSource, shuffled } from './random.ts';
import { startAnswering } from './start.ts';
import type { BootContext, BootTemplate, Parameters, PlanRequest, Point, Scope, Workload } from './workload.ts';

/** Source ports that a window is spread over; smaller windows use fewer. */
const CONNECTIONS = 8;
/** Payload of an echoed packet: as many bytes as the value that memcached answers with. */
const ECHO_BYTES = 100;
/** A point is measured at most so often; then it counts as disturbed. */
const REPETITIONS = 3;
const SECONDS: Record<Scope, number> = { quick: 1, default: 2, full: 4 };
/** Probes, warm-up and draining around a point. */
const AROUND_SECONDS = 0.6;

/** Windows of each mix. A window is the number of requests under way at once. */
const WINDOWS: Record<Scope, Record<string, readonly number[]>> = {
  quick: { get: [1, 128] },
  default: { get: [1, 8, 32, 128], 'get-set': [8, 128], etc: [8, 128] },
  full: { get: [1, 2, 4, 8, 16, 32, 64, 128, 256], 'get-set': [1, 8, 32, 128], etc: [1, 8, 32, 128] },
};

/**
 * Rates of the open loop, requests/s, in a full run: requests come when they come (Poisson), and latency counts from the
 * intended start, so that a server that stalls pays for all that waited (coordinated omission). Linux gets those it can
 * serve.
 */
const OPEN_RATES = { all: [20_000, 50_000, 100_000], ours: [500_000, 1_000_000, 2_000_000] } as const;
/** Above so many requests under way the next ones wait in the generator, on the clock. */
const MOST_IN_FLIGHT = 1024;

function openRates(subject: SubjectId, scope: Scope): readonly number[] {
  if (scope !== 'full' || subject === 'echo') return [];
  return subject === 'plumbline' ? [...OPEN_RATES.all, ...OPEN_RATES.ours] : OPEN_RATES.all;
}

/**
 * Which points a subject gets: the echo guest knows no values, and a variant other than the default shows its
 * difference at the ends of the range.
 */
function pointsOf(subject: SubjectId, isDefault: boolean, scope: Scope): Point[] {
  const mixes = Object.entries(WINDOWS[scope]).filter(
    ([mix]) => mix === 'get' || (subject !== 'echo' && (isDefault || scope === 'full')),
  );
  const seconds = SECONDS[scope] + AROUND_SECONDS;
  const open = openRates(subject, scope).map(
    (rate): Point => ({ parameters: { mix: 'get', arrivals: 'poisson', rate }, seconds }),
  );
  const closed = mixes.flatMap(([mix, windows]) => {
    const ends = [windows[0], windows.at(-1)];
    const chosen = isDefault || scope === 'full' ? windows : windows.filter((window) => ends.includes(window));
    return chosen.map((window): Point => ({ parameters: { mix, window }, seconds }));
  });
  return [...closed, ...open];
}

function plan(request: PlanRequest): BootTemplate[] {
  return request.subjects.flatMap((subject) => {
    const accelerator = subject.realAccelerator(request.host);
    if (accelerator === undefined) return [];
    // The limit of the pair is one figure, not one for each variant.
    const ofPrograms = request.scope === 'quick' ? [] : ['sched', 'syscall'];
    const dimensions = subject.id === 'plumbline-unmodified' ? ofPrograms : ['sched', 'idle'];
    const variants = variantsOf(subject, request.variants, dimensions).filter(
      (_, index) => subject.id !== 'echo' || index === 0 || request.scope === 'full',
    );
    return variants.map((variant) => ({
      workload: 'memcached-udp',
      subject: subject.id,
      variant,
      accelerator,
      points: pointsOf(subject.id, variant.name === 'default' || !subject.hasVariants, request.scope),
      overheadSeconds: 3,
    }));
  });
}

interface MeasuredPoint {
  readonly point: Point;
  readonly loop: Loop;
  readonly traffic: Traffic;
}

function loopOf({ window, rate }: Parameters): Loop | undefined {
  if (typeof rate === 'number') {
    return { kind: 'open', rate, arrivals: 'poisson', connections: CONNECTIONS, maxInFlight: MOST_IN_FLIGHT };
  }
  if (typeof window !== 'number') return undefined;
  const connections = Math.min(CONNECTIONS, window);
  return { kind: 'closed', connections, outstanding: window / connections };
}

function describe(point: Point, protocol: RunningSubject['protocol']): MeasuredPoint {
  const { mix } = point.parameters;
  const loop = loopOf(point.parameters);
  if (typeof mix !== 'string' || !loop) {
    throw new BenchError(`memcached-udp has no point ${JSON.stringify(point.parameters)}`);
  }
  const traffic: Traffic =
    protocol === 'echo'
      ? { protocol: 'echo', port: 11211, payloadBytes: ECHO_BYTES }
      : // One seed for all boots: the same keys and values everywhere.
        memcachedTraffic(loadMix(mix), derivedSeed(0, mix === 'etc' ? 'etc' : 'plain'));
  return { point, loop, traffic };
}

/** Measures one point, again when the host disturbed it, and records it. */
async function measurePoint(context: BootContext, running: RunningSubject, what: MeasuredPoint): Promise<void> {
  const seconds = SECONDS[context.scope];
  for (let repetition = 1; ; repetition += 1) {
    const before = context.hostState();
    const threadsBefore = await running.serverThreads();
    const result = await running.generator.run({
      traffic: what.traffic,
      loop: what.loop,
      limit: { kind: 'seconds', seconds },
      warmup: { kind: 'steady', maxSeconds: 1 },
      seed: derivedSeed(context.seed, `${JSON.stringify(what.point.parameters)} ${repetition}`),
      timeoutMs: (seconds * 5 + 10) * 1000,
    });
    const served = cpuTimeBetween(threadsBefore, await running.serverThreads());
    // Between slices the server rests while the cores are probed: only time under load counts.
    const loaded =
      result.warmupNs +
      result.slices.reduce((sum, slice) => sum + slice.durationNs * Number(slice.phase === 'measure'), 0);
    const serverBusy = Math.min(1, served / loaded);
    const { totals } = result;
    if (totals.bad > 0) {
      await context.fail(
        what.point,
        `${totals.bad} of ${totals.replies} replies are wrong: ${result.firstBad ?? 'no example'}`,
        running.console(),
      );
      return;
    }
    if (totals.replies === 0) {
      await context.fail(what.point, `none of ${totals.sent} requests was answered`, running.console());
      return;
    }
    const disturbed = isDisturbed(result);
    if (disturbed && repetition < REPETITIONS) continue;
    const around = { before, after: context.hostState() };
    const figures = figuresOf(result, context.plan.subject, serverBusy, disturbed, around);
    await context.record(what.point, figures);
    return;
  }
}

async function run(context: BootContext): Promise<void> {
  const config = context.bootConfig();
  try {
    context.progress('starting');
    const { running, orFailure } = await startAnswering(context.prepared, config);
    const points = shuffled(context.plan.points, randomSource(context.seed)).map((point) =>
      describe(point, running.protocol),
    );
    let populated: string | undefined;
    // Points of one set of keys follow each other, so that each set is written once; its order within is random.
    const keysOf = ({ traffic }: MeasuredPoint): string =>
      'keyspace' in traffic ? JSON.stringify(traffic.keyspace) : '';
    const order = [...new Set(points.map(keysOf))];
    for (const what of order.flatMap((keys) => points.filter((point) => keysOf(point) === keys))) {
      const { mix, window, rate } = what.point.parameters;
      context.progress(`${mix}, ${rate === undefined ? `window ${window}` : `${rate} requests/s`}`);
      if ('keyspace' in what.traffic && keysOf(what) !== populated) {
        await orFailure(running.generator.populate({ keyspace: what.traffic.keyspace, timeoutMs: 30_000 }));
        populated = keysOf(what);
      }
      await orFailure(measurePoint(context, running, what));
    }
    await running.stop();
  } finally {
    await config.resources.close();
  }
}

/** Throughput and latency of memcached requests over UDP: closed loop by window; in full runs open loop by rate too. */
export const memcachedUdp: Workload = {
  id: 'memcached-udp',
  title: 'memcached over UDP: throughput and latency by window',
  plan,
  run,
};
