import { UsageError } from '../errors.ts';
import { boot } from './boot.ts';
import { determinism } from './determinism.ts';
import { instructions } from './instructions.ts';
import { memcachedTcp, redis } from './key-value-tcp.ts';
import { memcachedUdp } from './memcached-udp.ts';
import { nginx } from './nginx.ts';
import { syscall, threads } from './operations.ts';
import { programStart } from './program-start.ts';
import { sqlite } from './sqlite.ts';
import { connect, scale, tcpRr, tcpStream } from './tcp-peer.ts';
import type { Workload } from './workload.ts';

export * from './workload.ts';

/** Everything that can be done with subjects, in the order of reports. */
export const WORKLOADS: readonly Workload[] = [
  memcachedUdp,
  memcachedTcp,
  redis,
  nginx,
  tcpRr,
  tcpStream,
  connect,
  scale,
  boot,
  instructions,
  determinism,
  syscall,
  threads,
  sqlite,
  programStart,
];

/**
 * A workload by name.
 * @throws UsageError naming what there is.
 */
export function findWorkload(id: string): Workload {
  const workload = WORKLOADS.find((candidate) => candidate.id === id);
  if (workload) return workload;
  throw UsageError.badValue('--workload', id, WORKLOADS.map((candidate) => candidate.id).join(', '));
}
