import type { GuestAccelerator } from './accelerator.ts';
import { type BootModules, joinedModules, placeModules } from './modules.ts';
import { START_PAGE } from './start-info.ts';

export const MACHINES = ['microvm', 'q35'] as const;
export type Machine = (typeof MACHINES)[number];

/** The network device of a guest: the generator is the other end of its rings. */
export interface VhostUserNetwork {
  /** UNIX socket on which the generator listens. */
  readonly socket: string;
  readonly queues: number;
  readonly mac: string;
}

/** A network of QEMU's own (user mode): the host is 10.9.0.1; nothing listens unless a port is forwarded. */
export interface UserNetwork {
  readonly mac: string;
  /** Datagrams to `host` of 127.0.0.1 reach `guest` of the guest. */
  readonly forward?: { readonly host: number; readonly guest: number };
}

/** A tap interface of the network namespace in which QEMU runs: Linux, or what reads its other end, is the peer. */
export interface TapNetwork {
  /** Name of the interface. It is there already, so that QEMU runs no script. */
  readonly tap: string;
  readonly mac: string;
  /** Queue pairs; more than one needs an interface that was made with `multi_queue`. Default 1. */
  readonly queues?: number;
}

/** Our firmware, and a file of this boot for what it passes on to the kernel. */
export interface Firmware {
  readonly image: string;
  readonly startInfo: string;
}

/** Everything that decides a guest's hardware and start. The same description serves our kernel and Linux. */
export interface GuestConfig {
  readonly accelerator: GuestAccelerator;
  readonly machine: Machine;
  readonly vcpus: number;
  readonly memoryBytes: number;
  /** PVH ELF, or a Linux bzImage. */
  readonly kernel: string;
  readonly initrd?: string;
  /** Archives with files and programs for our kernel, instead of `initrd`. */
  readonly modules?: BootModules;
  /** The kernel's command line. */
  readonly options: string;
  /** On microvm, starts a PVH ELF by our firmware instead of QEMU's; q35 needs its own. */
  readonly firmware?: Firmware;
  readonly network?: VhostUserNetwork | UserNetwork | TapNetwork;
  /** File that takes the serial port's output; `stdio` connects it with our terminal. */
  readonly serial: string;
  /** File that takes the virtio console's output; `stdio` as above. Without it there is no such device. */
  readonly console?: string;
  /** virtio-rng from the host. */
  readonly entropy?: boolean;
  /** Value of `-plugin` (TCG only), e.g. "build/plugin/count.so,socket=...". */
  readonly plugin?: string;
  /** Instruction-exact time (TCG only): one instruction is one ns. */
  readonly icount?: { readonly seed: number };
  /** Single-threaded TCG: what the counting plugin and icount need. */
  readonly tcgThread?: 'single' | 'multi';
  /** UNIX socket for gdb; the guest waits for it. */
  readonly gdbSocket?: string;
  readonly extraArguments?: readonly string[];
}

/** Default addresses of the private link between guest and generator. */
export const GUEST_MAC = '52:54:00:12:34:56';
export const GUEST_ADDRESS = '10.9.0.2';

/** A comma ends a value in QEMU's option syntax; two stand for one. */
function quote(value: string): string {
  return value.replaceAll(',', ',,');
}

/** A size as QEMU reads it, exact to the byte's kibibyte. */
function kibibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024)}K`;
}

/**
 * Virtio devices sit on PCI with MSI-X under KVM: an interrupt through irqfd costs no exit, while virtio-mmio needs
 * two. Under TCG they sit on MMIO, because QEMU 7.2 crashes there with vhost-user and MSI-X.
 */
function transport(config: GuestConfig): 'pci' | 'device' {
  return config.accelerator === 'tcg' && config.machine === 'microvm' ? 'device' : 'pci';
}

/**
 * Entries of each ring of the network device, the most that QEMU offers; a driver may use fewer. With QEMU's default of
 * 256 a burst of replies in several packets each (mix `etc`) would wait for the ring.
 */
const RING_ENTRIES = 1024;

/** QEMU's virtio-mmio is a legacy device (virtio 0.9) unless told otherwise; guests of a comparison get virtio 1. */
const MODERN_VIRTIO: readonly string[] = ['-global', 'virtio-mmio.force-legacy=false'];

/**
 * Shared memory where the generator reads and writes the guest's rings in place. Other guests get memory of QEMU's own, for
 * which Linux has large pages: half as many page faults until an image is loaded.
 */
function memoryBackend({ network }: GuestConfig): string {
  return network && 'socket' in network ? 'memory-backend-memfd,share=on' : 'memory-backend-ram';
}

function machineArguments(config: GuestConfig): string[] {
  const properties: string[] = [config.machine];
  if (config.machine === 'microvm') {
    if (transport(config) === 'pci') properties.push('pcie=on');
    // Under KVM the time of day comes from the host's clock page, and QEMU waits 6 ms for a grace period of the host's kernel
    // between the registration of the clock chip's port and the next change of the guest's memory.
    properties.push(config.accelerator === 'tcg' ? 'rtc=on' : 'rtc=off');
  }
  properties.push('memory-backend=mem');
  return [
    '-machine',
    properties.join(','),
    ...MODERN_VIRTIO,
    '-object',
    `${memoryBackend(config)},id=mem,size=${kibibytes(config.memoryBytes)}`,
    '-m',
    kibibytes(config.memoryBytes),
    '-smp',
    String(config.vcpus),
  ];
}

function acceleratorArguments(config: GuestConfig): string[] {
  if (config.accelerator === 'kvm') return ['-accel', 'kvm', '-cpu', 'host'];
  // kvm_pvm refuses MSR 0x10a, which arch-capabilities reads.
  if (config.accelerator === 'kvm_pvm') return ['-accel', 'kvm', '-cpu', 'host,-arch-capabilities'];
  const accel = config.tcgThread === undefined ? 'tcg' : `tcg,thread=${config.tcgThread}`;
  if (!config.icount) return ['-accel', accel, '-cpu', 'max'];
  return [
    ...['-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=off'],
    // Sources of chance that differ between boots are taken out.
    ...['-cpu', 'max,rdrand=off,rdseed=off,erms=off,fsrm=off'],
    ...['-rtc', 'base=2026-01-01,clock=vm', '-seed', String(config.icount.seed)],
  ];
}

/** The firmware that starts this guest, when it is ours. */
export function ownFirmware({ machine, firmware }: GuestConfig): Firmware | undefined {
  return machine === 'microvm' ? firmware : undefined;
}

/** Kernel and command line. With our firmware QEMU places both in the guest's memory and knows of neither. */
function kernelArguments(config: GuestConfig): string[] {
  const firmware = ownFirmware(config);
  if (firmware) {
    return [
      ...['-bios', firmware.image],
      ...['-device', `loader,file=${quote(config.kernel)}`],
      ...['-device', `loader,file=${quote(firmware.startInfo)},addr=0x${START_PAGE.toString(16)},force-raw=on`],
      ...placeModules(config.modules, config.memoryBytes).flatMap(({ file, elf, address }) => [
        '-device',
        `loader,file=${quote(file)}${elf ? '' : `,addr=0x${address.toString(16)},force-raw=on`}`,
      ]),
    ];
  }
  const initrd = config.modules ? joinedModules(config.modules) : config.initrd;
  return [
    ...['-kernel', config.kernel],
    ...(initrd === undefined ? [] : ['-initrd', initrd]),
    ...['-append', config.options],
  ];
}

function networkBackend(network: NonNullable<GuestConfig['network']>): string[] {
  if ('socket' in network) {
    return [
      ...['-chardev', `socket,id=net0,path=${quote(network.socket)}`],
      ...['-netdev', `vhost-user,id=net0,chardev=net0,queues=${network.queues}`],
    ];
  }
  // In the kernel's vhost a frame would cost less, but not every host has it.
  if ('tap' in network) {
    const queues = (network.queues ?? 1) > 1 ? `,queues=${network.queues}` : '';
    return ['-netdev', `tap,id=net0,ifname=${network.tap},script=no,downscript=no,vhost=off${queues}`];
  }
  const { forward } = network;
  // A restricted network also drops the guest's answers to forwarded datagrams.
  const reach = forward ? `hostfwd=udp:127.0.0.1:${forward.host}-${GUEST_ADDRESS}:${forward.guest}` : 'restrict=on';
  return ['-netdev', `user,id=net0,net=10.9.0.0/24,host=10.9.0.1,${reach}`];
}

function networkArguments(config: GuestConfig): string[] {
  if (!config.network) return [];
  const { mac } = config.network;
  const queues = ('queues' in config.network ? config.network.queues : undefined) ?? 1;
  // QEMU offers long transmit rings with vhost-user only.
  const rings = 'socket' in config.network ? [`rx_queue_size=${RING_ENTRIES}`, `tx_queue_size=${RING_ENTRIES}`] : [];
  const device = [`virtio-net-${transport(config)}`, 'netdev=net0', `mac=${mac}`, ...rings];
  if (queues > 1) {
    device.push('mq=on');
    // Two vectors a queue pair, one for configuration, one for the control queue.
    if (transport(config) === 'pci') device.push(`vectors=${2 * queues + 2}`);
  }
  // See transport(): on q35 under TCG the device is on PCI, where it must do without MSI-X.
  if (config.accelerator === 'tcg' && transport(config) === 'pci') device.push('vectors=0');
  return [...networkBackend(config.network), '-device', device.join(',')];
}

function characterDevice(id: string, target: string): string[] {
  const backend = target === 'stdio' ? `stdio,id=${id},signal=on` : `file,id=${id},path=${quote(target)}`;
  return ['-chardev', backend];
}

/**
 * Console and entropy device on PCI serve a request within the guest's exit. By an ioeventfd QEMU's main thread would do it,
 * which on a shared core runs only when the vCPU makes room; and the registration of each ioeventfd waits for a grace
 * period of the host's kernel.
 */
function slowDevice(config: GuestConfig, name: string, ...properties: readonly string[]): string[] {
  const bus = transport(config);
  const service = bus === 'pci' ? ['ioeventfd=off'] : [];
  return ['-device', [`${name}-${bus}`, ...properties, ...service].join(',')];
}

function consoleArguments(config: GuestConfig): string[] {
  const serial = [...characterDevice('serial0', config.serial), '-serial', 'chardev:serial0'];
  if (config.console === undefined) return serial;
  const shared = config.console === 'stdio' && config.serial === 'stdio';
  const backend = shared
    ? ['-chardev', 'stdio,id=console0,mux=on,signal=on']
    : characterDevice('console0', config.console);
  return [
    ...(shared ? ['-serial', 'chardev:console0'] : serial),
    ...backend,
    // Of the 31 ports that are the default each has two queues, which cost time at the start.
    ...slowDevice(config, 'virtio-serial', 'max_ports=1'),
    ...['-device', 'virtconsole,chardev=console0'],
  ];
}

/**
 * Slots of PCI bus 0 that may hold devices: QEMU gives each the first that is free, and slot 0 is the host bridge. Undefined
 * when this description does not know all devices.
 */
export function pciSlots(config: GuestConfig): number | undefined {
  if (transport(config) !== 'pci' || config.extraArguments?.includes('-device')) return undefined;
  const words = qemuArguments(config);
  return 1 + words.filter((word, index) => words[index - 1] === '-device' && /^[\w-]+-pci(,|$)/.test(word)).length;
}

/** The arguments of qemu-system-x86_64 for a guest; launchGuest adds the control connection. */
export function qemuArguments(config: GuestConfig): string[] {
  return [
    ...machineArguments(config),
    ...acceleratorArguments(config),
    ...kernelArguments(config),
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    // The guest ends QEMU with the status (value << 1) | 1.
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'],
    ...consoleArguments(config),
    ...networkArguments(config),
    ...(config.entropy ? slowDevice(config, 'virtio-rng') : []),
    ...(config.plugin === undefined ? [] : ['-plugin', config.plugin]),
    ...(config.gdbSocket === undefined
      ? []
      : [
          '-chardev',
          `socket,id=gdb0,path=${quote(config.gdbSocket)},server=on,wait=off`,
          '-gdb',
          'chardev:gdb0',
          '-S',
        ]),
    ...(config.extraArguments ?? []),
  ];
}
