import type { Placement, Slice, SubjectId } from '@plumbline/datasets';
import type { RunResult, Traffic } from '../generator/protocol.ts';
import type { Figure } from './workload.ts';

type GeneratorSlice = RunResult['slices'][number];

/** Above this busy share, in time, the generator is the limit. */
export const CLIENT_BOUND = 0.8;
/** From this share on, a server's core counts as saturated. */
export const SATURATED = 0.95;
/** More discarded slices than this, and the point is measured again. */
const DISTURBED_SHARE = 0.25;
/** A placement with fewer slices in a boot gives no figure. */
const FEWEST_SLICES = 3;
/** The generator's thread may be off its CPU for so much of a slice. */
const OFF_CPU_SHARE = 0.05;
/** /proc/stat counts steal in ticks of 10 ms: a single tick in a slice is its rounding. */
const STEAL_NS = 15_000_000;

/** Why a slice cannot be used, or undefined. Loss in the subject is a result and no reason. */
export function disturbance(slice: GeneratorSlice): string | undefined {
  if (slice.ownLoss > 0) return `${slice.ownLoss} packets lost in the generator`;
  if (slice.stealNs > STEAL_NS) return `${Math.round(slice.stealNs / 1e6)} ms stolen`;
  if (slice.offCpuNs > OFF_CPU_SHARE * slice.durationNs) {
    return `the generator was off its CPU for ${Math.round(slice.offCpuNs / 1e6)} ms`;
  }
  return undefined;
}

function toSlice(slice: GeneratorSlice): Slice {
  const discarded = disturbance(slice);
  return {
    start_ns: slice.startNs,
    duration_ns: Math.max(1, slice.durationNs),
    placement: slice.placement,
    replies: slice.replies,
    sent: slice.sent,
    lost: slice.lost,
    late: slice.late,
    busy: Math.min(1, Math.max(0, slice.busyShare)),
    // Two cores were watched.
    steal: Math.min(1, slice.stealNs / (2 * Math.max(1, slice.durationNs))),
    ...(discarded === undefined ? {} : { discarded }),
  };
}

/** Whether too much of a run was disturbed by the host. */
export function isDisturbed(result: RunResult): boolean {
  const slices = result.slices.filter((slice) => slice.phase === 'measure');
  const bad = slices.filter((slice) => disturbance(slice) !== undefined).length;
  return slices.length === 0 || bad > DISTURBED_SHARE * slices.length;
}

/**
 * Whether a figure is the generator's rather than the subject's (design: "The real tier").
 * @param serverBusy undefined where it is not known; it then excuses nothing
 */
export function isClientBound(subject: SubjectId, busy: number, serverBusy: number | undefined): boolean {
  if (subject === 'echo') return false;
  if (subject === 'linux-host' && serverBusy !== undefined && serverBusy >= SATURATED) return false;
  return busy > CLIENT_BOUND;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

/** Payload of a stream in one direction, bits a second, over the slices that may be used. */
function bandwidth({ slices }: RunResult, placement: GeneratorSlice['placement']): number {
  const own = slices.filter((slice) => slice.phase === 'measure' && slice.placement === placement);
  const good = own.filter((slice) => disturbance(slice) === undefined);
  const used = good.length > 0 ? good : own;
  const bytes = sum(used, (slice) => slice.bytesSent + slice.bytesReceived);
  return (bytes * 8e9) / sum(used, (slice) => slice.durationNs);
}

/**
 * The figures of one measured point, one set for each placement of the cores that held long enough. Rates count the
 * undisturbed slices; latencies are of all requests of that placement.
 */
export function figuresOf(
  result: RunResult,
  subject: SubjectId,
  serverBusy: number | undefined,
  disturbed: boolean,
  around: Pick<Figure, 'before' | 'after'>,
  protocol: Traffic['protocol'] = 'memcached',
): Figure[] {
  const measured = result.slices.filter((slice) => slice.phase === 'measure').map(toSlice);
  const long = result.placements.filter((placement) => placement.slices >= FEWEST_SLICES);
  const chosen = long.length > 0 ? long : result.placements.slice(0, 1);
  return chosen.flatMap((placement): Figure[] => {
    const slices = measured.filter((slice) => slice.placement === placement.placement);
    const good = slices.filter((slice) => slice.discarded === undefined);
    const used = good.length > 0 ? good : slices;
    const duration = sum(used, (slice) => slice.duration_ns);
    if (duration === 0) return [];
    const busy = sum(used, (slice) => slice.busy * slice.duration_ns) / duration;
    const loss = placement.sent > 0 ? Math.min(1, placement.lost / placement.sent) : 0;
    const common = {
      placement: placement.placement as Placement,
      disturbed: disturbed || good.length === 0,
      clientBound: isClientBound(subject, busy, serverBusy),
      loss,
      ...(serverBusy === undefined ? {} : { serverBusy }),
      ...around,
    };
    if (protocol === 'stream') {
      return [{ ...common, metric: 'bandwidth', value: bandwidth(result, placement.placement), slices }];
    }
    const rate = (sum(used, (slice) => slice.replies) / duration) * 1e9;
    const figures: Figure[] = [
      { ...common, metric: 'throughput', value: rate, slices },
      { ...common, metric: 'loss', value: loss },
    ];
    const { latency } = placement;
    if (latency && latency.count > 0) {
      const histogram = latency.histogram.filter(([, count]) => count > 0);
      figures.push(
        { ...common, metric: 'latency-p50', value: latency.p50Ns, histogram },
        { ...common, metric: 'latency-p99', value: latency.p99Ns },
        { ...common, metric: 'latency-p999', value: latency.p999Ns },
      );
    }
    return figures;
  });
}
