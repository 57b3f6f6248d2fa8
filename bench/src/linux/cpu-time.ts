import { readdir, readFile } from 'node:fs/promises';

/** CPU time that a process has used since it started. */
export interface ServerCpuTime {
  /** Nanoseconds of CPU time by all threads together (the scheduler's own account, finer than a clock tick). */
  readonly total: number;
  /** Nanoseconds in user space; resolution is a clock tick (10 ms). */
  readonly user: number;
  /** Nanoseconds in the kernel; resolution is a clock tick (10 ms). */
  readonly system: number;
  /** Nanoseconds of each living thread, by thread id. */
  readonly threads: ReadonlyMap<number, number>;
}

/** The unit of times in /proc/PID/stat: USER_HZ is 100 on every amd64 Linux. */
const TICK_NANOSECONDS = 10_000_000;

/** Fields 14 and 15 of a stat file, utime and stime (proc_pid_stat(5)); the name in field 2 may hold blanks and brackets. */
export function parseStatTimes(stat: string): { readonly user: number; readonly system: number } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  if (!Number.isSafeInteger(user) || !Number.isSafeInteger(system)) throw new RangeError(`not a stat line: ${stat}`);
  return { user: user * TICK_NANOSECONDS, system: system * TICK_NANOSECONDS };
}

/** The first number of a schedstat file is the time on the CPU in ns; a kernel without CONFIG_SCHED_INFO has no such file. */
async function threadNanoseconds(pid: number, tid: number): Promise<number> {
  try {
    const [running] = (await readFile(`/proc/${pid}/task/${tid}/schedstat`, 'utf8')).split(' ');
    return Number(running);
  } catch {
    const { user, system } = parseStatTimes(await readFile(`/proc/${pid}/task/${tid}/stat`, 'utf8'));
    return user + system;
  }
}

/**
 * Reads the CPU time of a process and its threads.
 * @throws Error when the process has ended
 */
export async function readCpuTime(pid: number): Promise<ServerCpuTime> {
  const threads = new Map<number, number>();
  for (const name of await readdir(`/proc/${pid}/task`)) {
    threads.set(Number(name), await threadNanoseconds(pid, Number(name)));
  }
  const { user, system } = parseStatTimes(await readFile(`/proc/${pid}/stat`, 'utf8'));
  return { total: [...threads.values()].reduce((a, b) => a + b, 0), user, system, threads };
}
