import { readFileSync } from 'node:fs';
import { z } from 'zod';

const ticks = z.coerce.number().nonnegative();
const hostCpuTimes = z.object({
  user: ticks,
  nice: ticks,
  system: ticks,
  idle: ticks,
  iowait: ticks,
  irq: ticks,
  softirq: ticks,
  steal: ticks,
});

/** What all CPUs of the host did since it started, in ticks of 10 ms, as in the first line of /proc/stat. */
export type HostCpuTimes = z.infer<typeof hostCpuTimes>;

/** One reading of the host. */
export interface HostLoad {
  /** Mean number of runnable threads over the last minute. */
  readonly load1: number;
  readonly times: HostCpuTimes;
}

/**
 * Parses /proc/stat.
 * @param cpu the summary line by default, or one CPU's number.
 */
export function parseHostCpuTimes(text: string, cpu?: number): HostCpuTimes {
  const name = cpu === undefined ? 'cpu' : `cpu${cpu}`;
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  if (!line) throw new Error(`no line for ${name} in /proc/stat`);
  const [, user, nice, system, idle, iowait, irq, softirq, steal] = line.split(/\s+/);
  return hostCpuTimes.parse({ user, nice, system, idle, iowait, irq, softirq, steal });
}

/** Parses the one-minute mean of /proc/loadavg. */
export function parseLoadAverage(text: string): number {
  return z.coerce.number().nonnegative().parse(text.split(' ')[0]);
}

/** Reads load and CPU times of the host now. */
export function readHostLoad(): HostLoad {
  return {
    load1: parseLoadAverage(readFileSync('/proc/loadavg', 'latin1')),
    times: parseHostCpuTimes(readFileSync('/proc/stat', 'latin1')),
  };
}

/**
 * Share (0 to 1) of the CPU time between two readings that the outer hypervisor gave to others.
 * 0 when no tick passed in between.
 */
export function stealShare(before: HostCpuTimes, after: HostCpuTimes): number {
  const total = (times: HostCpuTimes): number => Object.values(times).reduce((sum, value) => sum + value, 0);
  const passed = total(after) - total(before);
  return passed > 0 ? Math.min(1, Math.max(0, (after.steal - before.steal) / passed)) : 0;
}
