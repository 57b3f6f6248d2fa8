import type { MetricName, SubjectId } from '@plumbline/datasets';

/** Which figure a target speaks of. */
export interface TargetFigure {
  readonly workload: string;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly subject: SubjectId;
  /** Name of the variant; `debian` for Linux. */
  readonly variant: string;
  readonly metric: MetricName;
  /** `real`: KVM or the host itself; `exact`: counted under TCG. */
  readonly tier: 'real' | 'exact';
}

/** What must hold for the median of a figure. */
export type TargetBound =
  | { readonly kind: 'at-most'; readonly value: number }
  /** The figure divided by the baseline's, in the same placement. */
  | { readonly kind: 'ratio-at-least'; readonly baseline: TargetFigure; readonly value: number }
  /** All boots give one and the same value. */
  | { readonly kind: 'identical' };

/** A performance target of the project. */
export interface Target {
  readonly name: string;
  readonly group: string;
  readonly figure: TargetFigure;
  readonly bound: TargetBound;
  /** Why this bound, for the reader of a verdict. */
  readonly reason: string;
}

const MEMCACHED = { workload: 'memcached-udp', tier: 'real', metric: 'throughput' } as const;
const AT_128 = { mix: 'get', window: 128 } as const;
const AT_1 = { mix: 'get', window: 1 } as const;
const BOOT = { workload: 'boot', subject: 'plumbline', variant: 'default', tier: 'real' } as const;
const START = { measure: 'start', machine: 'microvm', vcpus: 1 } as const;

/** The targets; what needs hours is not among them. */
export const TARGETS: readonly Target[] = [
  {
    name: 'memcached-vs-linux',
    group: 'memcached',
    figure: { ...MEMCACHED, parameters: AT_128, subject: 'plumbline', variant: 'default' },
    bound: {
      kind: 'ratio-at-least',
      baseline: { ...MEMCACHED, parameters: AT_128, subject: 'linux-host', variant: 'debian' },
      value: 15,
    },
    reason: "OSv's packet-filter memcached had 3.9 times Linux; polling without exits leaves room for far more.",
  },
  {
    name: 'memcached-vs-echo',
    group: 'memcached',
    figure: { ...MEMCACHED, parameters: AT_128, subject: 'plumbline', variant: 'default' },
    bound: {
      kind: 'ratio-at-least',
      baseline: { ...MEMCACHED, parameters: AT_128, subject: 'echo', variant: 'default' },
      value: 0.25,
    },
    reason: 'A guest that only echoes is the limit of guest and generator; serving may cost three packets more.',
  },
  {
    name: 'interrupts-vs-linux',
    group: 'memcached',
    figure: { ...MEMCACHED, parameters: AT_1, subject: 'plumbline', variant: 'halt' },
    bound: {
      kind: 'ratio-at-least',
      baseline: { ...MEMCACHED, parameters: AT_1, subject: 'linux-host', variant: 'debian' },
      value: 1,
    },
    reason: 'Without polling, every request pays for a wake-up; it must still be cheaper than the one of Linux.',
  },
  {
    name: 'instructions',
    group: 'instructions',
    figure: {
      workload: 'instructions',
      parameters: { mix: 'get', connections: 8, outstanding: 4 },
      subject: 'plumbline',
      variant: 'default',
      metric: 'instructions-per-request',
      tier: 'exact',
    },
    bound: { kind: 'at-most', value: 1_500 },
    reason: 'Linux executes about 22,000 for the same request.',
  },
  {
    name: 'determinism',
    group: 'instructions',
    figure: {
      workload: 'determinism',
      parameters: { measure: 'start', machine: 'microvm', vcpus: 1 },
      subject: 'plumbline',
      variant: 'default',
      metric: 'guest-boot-time',
      tier: 'exact',
    },
    bound: { kind: 'identical' },
    reason: 'Under icount a boot is a computation: a figure that differs between boots cannot show a regression.',
  },
  {
    name: 'boot-time',
    group: 'boot',
    figure: { ...BOOT, parameters: START, metric: 'boot-time' },
    bound: { kind: 'at-most', value: 80e6 },
    reason: 'QEMU itself takes 39 to 53 ms from exec to the first instruction on kvm_pvm.',
  },
  {
    name: 'guest-boot-time',
    group: 'boot',
    figure: { ...BOOT, parameters: START, metric: 'guest-boot-time' },
    bound: { kind: 'at-most', value: 5e6 },
    reason: "OSv's boot without a disk took 3 ms on QEMU microvm.",
  },
  {
    name: 'least-memory',
    group: 'memory',
    figure: { ...BOOT, parameters: { ...START, measure: 'least-memory' }, metric: 'least-memory' },
    bound: { kind: 'at-most', value: 8 << 20 },
    reason: "OSv needs 11 MB, Unikraft's redis 7 MB.",
  },
];
