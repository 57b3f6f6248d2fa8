import type { MetricName, SubjectId } from '@plumbline/datasets';

/** Which figure a target speaks of. */
export interface TargetFigure {
  readonly workload: string;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly subject: SubjectId;
  /** Name of the variant; `debian` for Linux. */
  readonly variant: string;
  readonly metric: MetricName;
  /** A part of the value that is meant instead of all of it, such as the kernel's of an instruction count. */
  readonly part?: string;
  /** `real`: KVM or the host itself; `exact`: counted under TCG. */
  readonly tier: 'real' | 'exact';
}

/** What must hold for the median of a figure. */
export type TargetBound =
  | { readonly kind: 'at-most' | 'at-least'; readonly value: number }
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

/** What a ratio is to: another subject, or another variant of the same one. */
export function baselineName({ figure, bound }: Target): string {
  if (bound.kind !== 'ratio-at-least') return '';
  const { subject, variant } = bound.baseline;
  return subject === figure.subject ? variant : subject;
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

/** An operation of the microbenchmarks, as an unmodified program on our kernel. */
function operation(tier: TargetFigure['tier'], workload: string, name: string): TargetFigure {
  const metric = tier === 'real' ? 'time-per-operation' : 'instructions-per-operation';
  return { ...plumbline(tier, workload, metric, { operation: name }), subject: 'plumbline-unmodified' };
}

/** 60,000 inserts into SQLite in memory. */
function inserts(subject: SubjectId): TargetFigure {
  const variant = subject === 'linux-host' ? 'debian' : 'default';
  const parameters = { rows: 60_000, storage: 'memory' };
  return { workload: 'sqlite', parameters, subject, variant, metric: 'run-time', tier: 'real' };
}

/** A figure of a service over TCP: Debian's program, or the peer program, unmodified on our kernel. */
function overTcp(
  workload: string,
  parameters: TargetFigure['parameters'],
  metric: MetricName,
  variant = 'default',
): TargetFigure {
  const tier = metric === 'instructions-per-request' ? 'exact' : 'real';
  return { workload, parameters, subject: 'plumbline-unmodified', variant, metric, tier };
}

/** The same on Linux, as a process of the host. */
function onLinux(figure: TargetFigure): TargetFigure {
  return { ...figure, subject: 'linux-host', variant: 'debian' };
}

const redisGets = (outstanding: number) => ({ operation: 'get', connections: 50, outstanding });
const MEMCACHED_TCP_GETS = { mix: 'get', connections: 50, outstanding: 1 };

/** Redis's GET on 50 connections, so many deep: its rate, its instructions and the kernel's share of them. */
function redisTargets(
  outstanding: number,
  times: number,
  most: { readonly all: number; readonly kernel: number; readonly linux: number },
): Target[] {
  const rate = overTcp('redis', redisGets(outstanding), 'throughput');
  const instructions = overTcp('redis', redisGets(outstanding), 'instructions-per-request');
  const name = `redis-50x${outstanding}`;
  return [
    {
      name: `${name}-vs-linux`,
      group: 'redis',
      figure: rate,
      bound: atLeast(times, onLinux(rate)),
      reason: 'Unikraft reached 1.10 times native Linux and 1.74 times a Linux guest, 16 deep.',
    },
    {
      name: `${name}-instructions`,
      group: 'redis',
      figure: instructions,
      bound: atMost(most.all),
      reason: `A Linux guest executes ${most.linux.toLocaleString('en-US')}.`,
    },
    {
      name: `${name}-kernel-instructions`,
      group: 'redis',
      figure: { ...instructions, part: 'kernel' },
      bound: atMost(most.kernel),
      reason: "What is redis's own code cannot change; this is ours.",
    },
  ];
}

/** Streams on one connection: enough in either direction, and zero-copy against copy. */
function streamTargets(direction: 'to-server' | 'from-server'): Target[] {
  const stream = (message: number, variant = 'default'): TargetFigure =>
    overTcp('tcp-stream', { direction, message }, 'bandwidth', variant);
  return [
    {
      name: `stream-${direction}`,
      group: 'tcp-stream',
      figure: stream(65_536),
      bound: { kind: 'at-least', value: 20e9 },
      reason: 'iperf3 between two Linux processes of this kind of host moves 22 Gbit/s over veth.',
    },
    ...[16_384, 65_536].map(
      (message): Target => ({
        name: `zerocopy-${direction}-${message / 1024}k`,
        group: 'tcp-stream',
        figure: stream(message),
        bound: atLeast(1.3, stream(message, 'copy')),
        reason: 'Of large messages the copies are most of the work.',
      }),
    ),
  ];
}

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
  {
    name: 'syscall-call',
    group: 'syscall',
    figure: operation('real', 'syscall', 'getpid'),
    bound: atMost(5),
    reason:
      'A system call is a function call here: OSv took 3 ns for that, and Linux takes 114 on this kind of machine.',
  },
  {
    name: 'syscall-instructions',
    group: 'syscall',
    figure: operation('exact', 'syscall', 'getpid'),
    bound: atMost(30),
    reason: "Linux executes 323 for libc's getpid.",
  },
  {
    name: 'futex-instructions',
    group: 'threads',
    figure: operation('exact', 'threads', 'futex-round-trip'),
    bound: atMost(1_000),
    reason: 'Linux executes 9,905 for a round trip.',
  },
  {
    name: 'pipe-instructions',
    group: 'threads',
    figure: operation('exact', 'threads', 'pipe-round-trip'),
    bound: atMost(1_300),
    reason: 'Linux executes 13,005 for a round trip.',
  },
  {
    name: 'thread-instructions',
    group: 'threads',
    figure: operation('exact', 'threads', 'thread-create-join'),
    bound: atMost(7_000),
    reason: 'Linux executes 71,000 to start a thread and wait for its end.',
  },
  {
    name: 'python-start',
    group: 'boot',
    figure: {
      ...plumbline('real', 'program-start', 'boot-time', { program: 'python3' }),
      subject: 'plumbline-unmodified',
    },
    bound: atMost(150e6),
    reason: 'From the start of the VMM to the first line of a language with a large library, all of it in the image.',
  },
  {
    name: 'sqlite-vs-linux',
    group: 'sqlite',
    figure: inserts('plumbline-unmodified'),
    bound: atLeast(1, inserts('linux-host')),
    reason: 'A program that computes and allocates must not be slower in a virtual machine of ours than on the host.',
  },
  {
    name: 'unmodified-vs-linux',
    group: 'memcached',
    figure: gets('plumbline-unmodified', 128),
    bound: atLeast(4, gets('linux-host', 128)),
    reason: "The same binary, the same socket calls: what differs is the system's share of each request.",
  },
  {
    name: 'unmodified-instructions',
    group: 'instructions',
    figure: {
      ...plumbline('exact', 'instructions', 'instructions-per-request', { mix: 'get', connections: 8, outstanding: 4 }),
      subject: 'plumbline-unmodified',
    },
    bound: atMost(5_000),
    reason: 'Linux executes about 22,000 for the same request of the same binary.',
  },
  ...redisTargets(1, 4, { all: 6_500, kernel: 2_150, linux: 26_682 }),
  ...redisTargets(16, 1.3, { all: 3_900, kernel: 540, linux: 5_724 }),
  {
    name: 'memcached-tcp-vs-linux',
    group: 'memcached-tcp',
    figure: overTcp('memcached-tcp', MEMCACHED_TCP_GETS, 'throughput'),
    bound: atLeast(4, onLinux(overTcp('memcached-tcp', MEMCACHED_TCP_GETS, 'throughput'))),
    reason: "The same binary, the same socket calls: what differs is the system's share of each request.",
  },
  {
    name: 'memcached-tcp-instructions',
    group: 'memcached-tcp',
    figure: overTcp('memcached-tcp', MEMCACHED_TCP_GETS, 'instructions-per-request'),
    bound: atMost(6_000),
    reason: 'A Linux guest executes 25,661; about 2,540 are memcached itself.',
  },
  ...streamTargets('to-server'),
  ...streamTargets('from-server'),
];
