import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { EnvironmentError } from '../errors.ts';

/** Which CPUs serve what. Server and generator never share one. */
export interface Cores {
  /** The CPU of the vCPU, or of the server process. */
  readonly server: number;
  /** The CPU on which the generator polls. */
  readonly generator: number;
}

/** Parses a list of CPUs as the kernel prints it, e.g. "0-2,5". */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((part) => {
      const [first, last] = part.split('-').map(Number);
      if (first === undefined || !Number.isInteger(first)) return [];
      return Array.from({ length: (last ?? first) - first + 1 }, (_, index) => first + index);
    });
}

/** The CPUs that we may use. */
export function allowedCpus(): number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  return list === undefined ? Array.from({ length: availableParallelism() }, (_, index) => index) : parseCpuList(list);
}

/**
 * The first CPU for the server, the second for the generator.
 * @throws EnvironmentError on a machine with one CPU: a generator that shares it measures the host's scheduler.
 */
export function chooseCores(cpus = allowedCpus()): Cores {
  const [server, generator] = cpus;
  if (server === undefined || generator === undefined) {
    throw new EnvironmentError(
      'measuring needs two CPUs, one for the guest and one for the generator; this process may use one.',
    );
  }
  return { server, generator };
}

/** Binds all threads of a process to CPUs. */
export function pinProcess(pid: number, cpus: readonly number[]): void {
  execFileSync('taskset', ['-a', '-p', '-c', cpus.join(','), String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 5_000,
  });
}

/** Binds one thread to one CPU. */
export function pinThread(tid: number, cpu: number): void {
  execFileSync('taskset', ['-p', '-c', String(cpu), String(tid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 5_000,
  });
}
