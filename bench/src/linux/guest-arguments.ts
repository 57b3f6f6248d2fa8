import { GUEST_ADDRESS, GUEST_MAC, qemuArguments } from '../vmm/machine.ts';
import type { LinuxGuestImage } from './guest-image.ts';

/** The other end of the guest's network card. */
export type GuestNetwork =
  /** The generator's vhost-user socket. */
  | { readonly kind: 'vhost-user'; readonly socket: string; readonly queues: number }
  /** QEMU's user-mode network with one UDP port of the loopback interface forwarded to port 11211 (for tests). */
  | { readonly kind: 'user'; readonly hostPort: number };

/** One boot of the Linux guest. */
export interface LinuxGuestOptions {
  readonly image: Pick<LinuxGuestImage, 'kernel'>;
  /** The image's initramfs with the archive of a program behind it. */
  readonly initramfs: string;
  readonly accelerator: 'tcg' | 'kvm';
  readonly machine: 'microvm' | 'q35';
  readonly vcpus: number;
  /** Bytes of memory. */
  readonly memory: number;
  /** Without one there is no network. */
  readonly network?: GuestNetwork;
  /** Gives the figures of the exact tier's in-guest recipe (`-icount`), with this seed. TCG only. */
  readonly icountSeed?: number;
  /** File that gets the guest's console; default: the console is QEMU's standard output. */
  readonly consoleFile?: string;
  /** As in GuestConfig. */
  readonly tcgThread?: 'single' | 'multi';
}

/** The link's addresses: the guest's, and the generator's, which never has to be asked for. */
const GUEST_NETWORK = `${GUEST_ADDRESS}/24`;
const GENERATOR = '10.9.0.1,52:54:00:99:99:01';
/** What QEMU's user-mode network expects. */
const USER_NETWORK = '10.0.2.15/24';

/** The kernel's command line; what follows `--` are the arguments of our init. */
export function linuxGuestCommandLine(options: LinuxGuestOptions): string {
  const kernel = [
    'console=ttyS0',
    'quiet',
    // A panic ends the machine (QEMU's -no-reboot), after its text.
    'panic=-1',
    // No traffic but the generator's.
    'ipv6.disable=1',
    // Faster boots, nothing that runs later: no self-tests of ciphers, no waiting for entropy.
    'cryptomgr.notests',
    options.icountSeed === undefined ? 'random.trust_cpu=on' : 'random.trust_cpu=off',
    // The timer check and the TSC's calibration fail on a microvm with an RTC or PCI.
    'no_timer_check',
  ];
  if (options.accelerator === 'tcg') {
    // TCG's TSC runs at 1 GHz; under KVM the kernel is told the frequency by kvmclock. Without layout randomisation two boots
    // execute the same instructions.
    kernel.push('tsc_early_khz=1000000', 'nokaslr', 'norandmaps');
  }
  const { network } = options;
  if (network === undefined) return kernel.join(' ');
  const init =
    network.kind === 'vhost-user'
      ? [`address=${GUEST_NETWORK}`, `neighbour=${GENERATOR}`]
      : [`address=${USER_NETWORK}`];
  return [...kernel, '--', ...init].join(' ');
}

/**
 * QEMU's complete arguments (without the program's name) for a boot, by the same function as for a kernel of ours: VMM,
 * machine, processors, memory, network card and its offloads are the same by construction. `-plugin` and the like may be
 * appended.
 */
export function linuxGuestArguments(options: LinuxGuestOptions): string[] {
  const { network } = options;
  const userNetwork = (hostPort: number): string[] => [
    ...['-netdev', `user,id=net0,hostfwd=udp:127.0.0.1:${hostPort}-:11211`],
    ...['-device', `virtio-net-${options.machine === 'microvm' ? 'device' : 'pci'},netdev=net0,mac=${GUEST_MAC}`],
  ];
  return qemuArguments({
    accelerator: options.accelerator,
    machine: options.machine,
    vcpus: options.vcpus,
    memoryBytes: options.memory,
    kernel: options.image.kernel,
    initrd: options.initramfs,
    options: linuxGuestCommandLine(options),
    serial: options.consoleFile ?? 'stdio',
    ...(network === undefined
      ? {}
      : network.kind === 'vhost-user'
        ? { network: { socket: network.socket, queues: network.queues, mac: GUEST_MAC } }
        : { extraArguments: userNetwork(network.hostPort) }),
    ...(options.tcgThread === undefined ? {} : { tcgThread: options.tcgThread }),
    ...(options.icountSeed === undefined ? {} : { icount: { seed: options.icountSeed } }),
  });
}
