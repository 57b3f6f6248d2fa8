import { type KernelProgram, prepareKernelGuest } from './kernel-guest.ts';
import type { Subject } from './subject.ts';

const MEMCACHED: KernelProgram = { name: 'memcached', protocol: 'memcached', port: 11211, request: 'get' };

/** memcached written to our kernel's native network interface. */
export const plumbline: Subject = {
  id: 'plumbline',
  title: 'memcached on our kernel, native interface',
  hasVariants: true,
  realAccelerator: (host) => host,
  exactAccelerator: 'tcg',
  prepare: (variant, onProgress, signal) => prepareKernelGuest(MEMCACHED, variant, onProgress, signal),
};
