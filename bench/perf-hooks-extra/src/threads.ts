import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** The unit of the times in /proc/PID/stat: USER_HZ is 100 in every Linux ABI that Node runs on. */
const NANOSECONDS_PER_TICK = 10_000_000;

const threadTimes = z.object({
  tid: z.int().positive(),
  name: z.string(),
  state: z.string().length(1),
  /** CPU the thread ran on last. */
  processor: z.int().nonnegative(),
  /** Time in user mode, in ns, with the 10 ms resolution of /proc/PID/stat. Guest time is part of it. */
  userNs: z.number().nonnegative(),
  /** Time in the kernel, in ns, with the same resolution. */
  systemNs: z.number().nonnegative(),
  /** Time on a CPU, in ns, exact: from schedstat. */
  runNs: z.number().nonnegative(),
  /** Time runnable but waiting for a CPU, in ns. */
  waitNs: z.number().nonnegative(),
  voluntarySwitches: z.number().nonnegative(),
  involuntarySwitches: z.number().nonnegative(),
});

/** CPU time and context switches of one thread since it started. */
export type ThreadTimes = z.infer<typeof threadTimes>;

/**
 * Parses /proc/PID/task/TID/stat (proc(5)). The name may hold spaces and parentheses, so the fields are counted from
 * the last closing one.
 */
export function parseThreadStat(
  text: string,
): Pick<ThreadTimes, 'tid' | 'name' | 'state' | 'processor' | 'userNs' | 'systemNs'> {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const fields = text
    .slice(close + 2)
    .trim()
    .split(' ');
  // Field 3 (state) is fields[0]: utime is field 14, stime 15, processor 39.
  const parsed = z
    .object({
      tid: z.coerce.number(),
      user: z.coerce.number(),
      system: z.coerce.number(),
      processor: z.coerce.number(),
    })
    .parse({ tid: text.slice(0, open), user: fields[11], system: fields[12], processor: fields[36] });
  return {
    tid: parsed.tid,
    name: text.slice(open + 1, close),
    state: fields[0] ?? '?',
    processor: parsed.processor,
    userNs: parsed.user * NANOSECONDS_PER_TICK,
    systemNs: parsed.system * NANOSECONDS_PER_TICK,
  };
}

/** Parses the context switch counters of /proc/PID/task/TID/status. */
export function parseThreadStatus(text: string): Pick<ThreadTimes, 'voluntarySwitches' | 'involuntarySwitches'> {
  const counter = (name: string): number => {
    const match = new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(text);
    if (!match) throw new Error(`no ${name} in the thread's status`);
    return Number(match[1]);
  };
  return {
    voluntarySwitches: counter('voluntary_ctxt_switches'),
    involuntarySwitches: counter('nonvoluntary_ctxt_switches'),
  };
}

/** Parses /proc/PID/task/TID/schedstat: ns on a CPU, ns waiting for one, time slices run. */
export function parseThreadSchedstat(text: string): Pick<ThreadTimes, 'runNs' | 'waitNs'> {
  const [runNs, waitNs] = z.tuple([z.coerce.number(), z.coerce.number()], z.unknown()).parse(text.trim().split(' '));
  return { runNs, waitNs };
}

/**
 * Times of one thread of any process.
 * @throws when the thread does not exist (any more).
 */
export function readThread(pid: number, tid: number): ThreadTimes {
  const directory = join('/proc', String(pid), 'task', String(tid));
  const read = (file: string): string => readFileSync(join(directory, file), 'latin1');
  return threadTimes.parse({
    ...parseThreadStat(read('stat')),
    ...parseThreadStatus(read('status')),
    ...parseThreadSchedstat(read('schedstat')),
  });
}

/**
 * Times of every thread of a process. Threads that end while we read are left out.
 * @throws when the process does not exist (any more).
 */
export function readThreads(pid: number): ThreadTimes[] {
  return readdirSync(join('/proc', String(pid), 'task')).flatMap((tid) => {
    try {
      return [readThread(pid, Number(tid))];
    } catch {
      return [];
    }
  });
}

/**
 * CPU time in ns that a process's threads spent between two readings; threads which started in between count in full.
 * @param tids count only these threads.
 */
export function cpuTimeBetween(before: ThreadTimes[], after: ThreadTimes[], tids?: readonly number[]): number {
  const start = new Map(before.map((thread) => [thread.tid, thread.runNs]));
  let total = 0;
  for (const thread of after) {
    if (!tids || tids.includes(thread.tid)) total += thread.runNs - (start.get(thread.tid) ?? 0);
  }
  return total;
}
