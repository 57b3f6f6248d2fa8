import type { SubjectId } from '@plumbline/datasets';
import { BenchError } from '../errors.ts';
import type { Loop } from '../generator/protocol.ts';
import { MEMCACHED_UDP } from '../subjects/service.ts';
import { variantsOf } from '../subjects/subject.ts';
import { LOAD_OVERHEAD_SECONDS, type Load, loadSeconds, measureLoad } from './load.ts';
import { mixTraffic } from './mix.ts';
import type { BootTemplate, Parameters, PlanRequest, Point, Scope, Workload } from './workload.ts';

/** Source ports that a window is spread over; smaller windows use fewer. */
const CONNECTIONS = 8;
/** Payload of an echoed packet: as many bytes as the value that memcached answers with. */
const ECHO_BYTES = 100;

/** Windows of each mix. A window is the number of requests under way at once. */
const WINDOWS: Record<Scope, Record<string, readonly number[]>> = {
  quick: { get: [1, 128] },
  default: { get: [1, 32, 128], 'get-set': [128], etc: [128] },
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
  const seconds = loadSeconds(scope);
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
    const ofPrograms = request.scope === 'full' ? ['sched', 'syscall'] : [];
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
      overheadSeconds: LOAD_OVERHEAD_SECONDS,
    }));
  });
}

function loopOf({ window, rate }: Parameters): Loop | undefined {
  if (typeof rate === 'number') {
    return { kind: 'open', rate, arrivals: 'poisson', connections: CONNECTIONS, maxInFlight: MOST_IN_FLIGHT };
  }
  if (typeof window !== 'number') return undefined;
  const connections = Math.min(CONNECTIONS, window);
  return { kind: 'closed', connections, outstanding: window / connections };
}

function loadOf(subject: SubjectId, point: Point): Load {
  const { mix } = point.parameters;
  const loop = loopOf(point.parameters);
  if (typeof mix !== 'string' || !loop) {
    throw new BenchError(`memcached-udp has no point ${JSON.stringify(point.parameters)}`);
  }
  if (subject === 'echo') return { traffic: { protocol: 'echo', port: 11211, payloadBytes: ECHO_BYTES }, loop };
  return { traffic: mixTraffic(mix), loop };
}

const describe = ({ parameters: { mix, window, rate } }: Point): string =>
  `${mix}, ${rate === undefined ? `window ${window}` : `${rate} requests/s`}`;

/** Throughput and latency of memcached requests over UDP: closed loop by window; in full runs open loop by rate too. */
export const memcachedUdp: Workload = {
  id: 'memcached-udp',
  title: 'memcached over UDP: throughput and latency by window',
  service: MEMCACHED_UDP,
  plan,
  run: (context) => measureLoad(context, (point) => loadOf(context.plan.subject, point), describe),
};
