import type { PackageProvenance } from '../debian/fetch.ts';

/** CPU time that memcached has used since it started. */
export interface ServerCpuTime {
  /** Nanoseconds of CPU time by all threads together (from the scheduler, so finer than a clock tick). */
  readonly total: number;
  /** Nanoseconds in user space; resolution is a clock tick (10 ms). */
  readonly user: number;
  /** Nanoseconds in the kernel; resolution is a clock tick (10 ms). */
  readonly system: number;
  /** Nanoseconds of each thread, by thread id. */
  readonly threads: ReadonlyMap<number, number>;
}

/** Whether `linux-host` can run here. */
export type LinuxHostSupport =
  | { readonly available: true; readonly how: 'root' | 'user-namespace' }
  | { readonly available: false; readonly reason: string; readonly remedy: string };

/** How to start memcached as a process of this host. */
export interface LinuxHostOptions {
  /** Core that memcached is pinned to. */
  readonly core: number;
  /** Item memory in MiB (`-m`), default 64. */
  readonly itemMebibytes?: number;
  /** Worker threads (`-t`), default 1. */
  readonly threads?: number;
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A running memcached in a network namespace of its own. */
export interface LinuxHost extends AsyncDisposable {
  /** memcached's process id, as seen here. */
  readonly pid: number;
  /** memcached's address: 10.9.0.2, UDP and TCP port 11211, MAC 52:54:00:12:34:56. */
  readonly address: string;
  /** The generator's end of the veth pair: an interface without an address, for DPDK's `net_af_packet` (`iface=`). */
  readonly generatorInterface: string;
  /** Put before the generator's argv so that it runs inside the generator's network namespace. */
  readonly generatorPrefix: readonly string[];
  readonly packages: readonly PackageProvenance[];
  readonly notices: readonly string[];
  cpuTime(): Promise<ServerCpuTime>;
  /** Resolves when memcached or the namespaces' holder ended (`stop` included), with the reason and what was printed. */
  readonly ended: Promise<{ readonly reason: string; readonly output: string }>;
  /** Ends memcached and removes the namespaces. Idempotent. */
  stop(): Promise<void>;
}

/** Tells whether network namespaces may be made here, and if not, what to do about it. */
export async function linuxHostSupport(): Promise<LinuxHostSupport> {
  throw new Error('not yet');
}

/**
 * Starts Debian's memcached, pinned, in a fresh network namespace, and resolves when its socket is bound.
 * @throws LinuxHostError when namespaces are not permitted, or memcached did not start before the deadline.
 */
export async function startLinuxHost(_options: LinuxHostOptions): Promise<LinuxHost> {
  throw new Error('not yet');
}
