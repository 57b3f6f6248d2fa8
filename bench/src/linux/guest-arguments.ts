import type { LinuxGuestImage } from './guest-image.ts';

/** The other end of the guest's network card. */
export type GuestNetwork =
  /** The generator's vhost-user socket. */
  | { readonly kind: 'vhost-user'; readonly socket: string; readonly queues: number }
  /** QEMU's user-mode network with one UDP port of the loopback interface forwarded to memcached (for tests). */
  | { readonly kind: 'user'; readonly hostPort: number };

/** One boot of the Linux guest. */
export interface LinuxGuestOptions {
  readonly image: LinuxGuestImage;
  readonly accelerator: 'tcg' | 'kvm';
  readonly machine: 'microvm' | 'q35';
  readonly vcpus: number;
  /** Bytes of memory; Linux and memcached need 128 MiB at least. */
  readonly memory: number;
  readonly network: GuestNetwork;
  /** memcached's item memory in MiB (`-m`), default 64. */
  readonly itemMebibytes?: number;
  /** Worker threads of memcached (`-t`), default the number of vCPUs. */
  readonly threads?: number;
  /** Gives the figures of the exact tier's in-guest recipe (`-icount`), with this seed. TCG only. */
  readonly icountSeed?: number;
  /** File that gets the guest's console; default: the console is QEMU's standard output. */
  readonly consoleFile?: string;
}

/** The kernel command line of a boot. */
export function linuxGuestCommandLine(_options: LinuxGuestOptions): string {
  throw new Error('not yet');
}

/**
 * QEMU's complete arguments (without the program's name) for a boot: machine line, memory backend, network, console, kernel.
 * `-plugin`, `-qmp` and the like may be appended.
 */
export function linuxGuestArguments(_options: LinuxGuestOptions): string[] {
  throw new Error('not yet');
}

/** The line that the guest's init prints on the console when memcached has been started (it begins with this). */
export const linuxGuestStartedLine = 'plumbline-init: memcached started';
