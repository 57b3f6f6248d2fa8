import { type KernelProgram, prepareKernelGuest } from './kernel-guest.ts';
import { MEMCACHED_UDP } from './service.ts';
import type { Subject } from './subject.ts';

const MEMCACHED: KernelProgram = { name: 'memcached', question: MEMCACHED_UDP.question };

/** memcached written to our kernel's native network interface. */
export const plumbline: Subject = {
  id: 'plumbline',
  title: 'memcached on our kernel, native interface',
  hasVariants: true,
  realAccelerator: (host) => host,
  exactAccelerator: 'tcg',
  serves: ['memcached-udp'],
  prepare: (_, variant, onProgress, signal) => prepareKernelGuest(MEMCACHED, variant, onProgress, signal),
};
