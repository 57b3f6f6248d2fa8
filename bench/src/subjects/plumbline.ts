import { BenchError } from '../errors.ts';
import { type KernelProgram, prepareKernelGuest } from './kernel-guest.ts';
import { MEMCACHED_UDP, type ServiceId, TCP_PEER } from './service.ts';
import type { Subject } from './subject.ts';

const PROGRAMS: Readonly<Partial<Record<ServiceId, KernelProgram>>> = {
  'memcached-udp': { name: 'memcached', question: MEMCACHED_UDP.question },
  'tcp-peer': { name: 'tcp_peer', question: TCP_PEER.question },
};

/** Servers written to our kernel's native network interface. */
export const plumbline: Subject = {
  id: 'plumbline',
  title: 'servers on our kernel, native interface',
  hasVariants: true,
  realAccelerator: (host) => host,
  exactAccelerator: 'tcg',
  serves: Object.keys(PROGRAMS) as ServiceId[],
  prepare: (service, variant, onProgress, signal) => {
    const program = PROGRAMS[service.id];
    if (program === undefined) throw new BenchError(`our kernel has no native program that serves ${service.id}`);
    return prepareKernelGuest(program, variant, onProgress, signal);
  },
};
