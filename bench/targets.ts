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

/** Replies to gets a second, with `window` of them in flight. */
function gets(
  subject: SubjectId,
  window: number,
  variant = subject === 'linux-host' ? 'debian' : 'default',
): TargetFigure {
  const parameters = { mix: 'get', window };
  return { workload: 'memcached-udp', parameters, subject, variant, metric: 'throughput', tier: 'real' };
}

/** A figure of Plumbline as it is built and started when nobody asks for anything else. */
function plumbline(
  tier: TargetFigure['tier'],
  workload: string,
  metric: MetricName,
  parameters: TargetFigure['parameters'],
): TargetFigure {
  return { workload, parameters, subject: 'plumbline', variant: 'default', metric, tier };
}

const atMost = (value: number): TargetBound => ({ kind: 'at-most', value });
const atLeast = (value: number, baseline: TargetFigure): TargetBound => ({ kind: 'ratio-at-least', value, baseline });

const MACHINE = { machine: 'microvm', vcpus: 1 };
const START = { measure: 'start', ...MACHINE };

/** The targets; what needs hours is not among them. */
export const TARGETS: readonly Target[] = [
  {
    name: 'memcached-vs-linux',
    group: 'memcached',
    figure: gets('plumbline', 128),
    bound: atLeast(15, gets('linux-host', 128)),
    reason: "OSv's packet-filter memcached had 3.9 times Linux; polling without exits leaves room for far more.",
  },
  {
    name: 'memcached-vs-echo',
    group: 'memcached',
    figure: gets('plumbline', 128),
    bound: atLeast(0.25, gets('echo', 128)),
    reason: 'A guest that only echoes is the limit of guest and generator; serving may cost three packets more.',
  },
  {
    name: 'interrupts-vs-linux',
    group: 'memcached',
    figure: gets('plumbline', 1, 'halt'),
    bound: atLeast(1, gets('linux-host', 1)),
    reason: 'Without polling, every request pays for a wake-up; it must still be cheaper than the one of Linux.',
  },
  {
    name: 'instructions',
    group: 'instructions',
    figure: plumbline('exact', 'instructions', 'instructions-per-request', {
      mix: 'get',
      connections: 8,
      outstanding: 4,
    }),
    bound: atMost(1_500),
    reason: 'Linux executes about 22,000 for the same request.',
  },
  {
    name: 'determinism',
    group: 'instructions',
    figure: plumbline('exact', 'determinism', 'guest-boot-time', START),
    bound: { kind: 'identical' },
    reason: 'Under icount a boot is a computation: a figure that differs between boots cannot show a regression.',
  },
  {
    name: 'boot-time',
    group: 'boot',
    figure: plumbline('real', 'boot', 'boot-time', START),
    bound: atMost(80e6),
    reason: 'QEMU itself takes 39 to 53 ms from exec to the first instruction on kvm_pvm.',
  },
  {
    name: 'guest-boot-time',
    group: 'boot',
    figure: plumbline('real', 'boot', 'guest-boot-time', START),
    bound: atMost(5e6),
    reason: "OSv's boot without a disk took 3 ms on QEMU microvm.",
  },
  {
    name: 'least-memory',
    group: 'memory',
    figure: plumbline('real', 'boot', 'least-memory', { measure: 'least-memory', ...MACHINE }),
    bound: atMost(8 << 20),
    reason: "OSv needs 11 MB, Unikraft's redis 7 MB.",
  },
];
