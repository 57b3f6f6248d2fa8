import { type KernelProgram, prepareKernelGuest } from './kernel-guest.ts';
import type { Subject } from './subject.ts';

const ECHO: KernelProgram = { name: 'echo', question: { request: 'echo', port: 11211 } };

/** Our kernel sending every packet back: what guest and generator can do together, the limit of the pair. */
export const echo: Subject = {
  id: 'echo',
  title: 'UDP echo on our kernel: the limit of the pair of guest and generator',
  hasVariants: true,
  realAccelerator: (host) => host,
  exactAccelerator: undefined,
  // It stands in for memcached.
  serves: ['memcached-udp'],
  prepare: (_, variant, onProgress, signal) => prepareKernelGuest(ECHO, variant, onProgress, signal),
};
