import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildProgramImage, type KernelImage, type Variant } from '@plumbline/variants';
import { pause } from '../deadline.ts';
import { BenchError, EnvironmentError } from '../errors.ts';
import { NetworkNamespace, namespaceSupport } from '../linux/namespaces.ts';
import { runCommand } from '../process/command.ts';
import { compileProgram } from '../programs/compile.ts';
import {
  GUEST_ADDRESS,
  GUEST_MAC,
  type GuestAccelerator,
  guestCommand,
  lastLines,
  launchGuest,
  programConfig,
  type Resources,
} from '../vmm/index.ts';
import { impossibleFrames } from './capture.ts';
import { compileNetworkLink, startNetworkLink } from './network-link.ts';
import type { WirePoint } from './points.ts';

const HOST_ADDRESS = '10.9.0.1';
const PORT = 7000;
/** QEMU's tap, the link's two ends, and the bridge that makes the first two one wire. */
const [GUEST_TAP, WIRE_TAP, HOST_TAP, BRIDGE] = ['guest0', 'wire0', 'host0', 'bridge0'] as const;
const START_DEADLINE_MS = 60_000;

/** What passed at one point, in bytes, and what the link did. */
export interface Passed {
  readonly toGuest: number;
  readonly fromGuest: number;
  readonly link: string;
  /** Frames that tshark finds malformed or impossible; undefined: the wire was not recorded. */
  readonly impossible: readonly string[] | undefined;
}

/** Our stack and Linux's, with a wire in between that can be made bad. */
export interface Wire {
  /**
   * Sends a stream each way at the same time.
   * @param seconds as many bytes as pass in this time, and no fewer than the point wants
   * @throws CommandError when an end fails, when bytes differ, or when it takes too long
   */
  transfer(point: WirePoint, seconds: number, seed: number, deadlineMs: number): Promise<Passed>;
}

async function makeInterfaces(namespace: NetworkNamespace): Promise<void> {
  for (const tap of [GUEST_TAP, WIRE_TAP, HOST_TAP]) {
    const header = tap === GUEST_TAP ? ['vnet_hdr'] : [];
    await namespace.ip('tuntap', 'add', 'dev', tap, 'mode', 'tap', ...header);
    await namespace.ip('link', 'set', 'dev', tap, 'addrgenmode', 'none');
  }
  await namespace.ip('link', 'add', BRIDGE, 'type', 'bridge', 'mcast_snooping', '0');
  // The bridge is a wire: without this Linux would answer ARP on it for its address behind the link.
  await namespace.ip('link', 'set', 'dev', BRIDGE, 'addrgenmode', 'none', 'arp', 'off');
  for (const tap of [GUEST_TAP, WIRE_TAP]) await namespace.ip('link', 'set', 'dev', tap, 'master', BRIDGE);
  for (const device of [BRIDGE, GUEST_TAP, WIRE_TAP, HOST_TAP]) await namespace.ip('link', 'set', 'dev', device, 'up');
  await namespace.ip('address', 'add', `${HOST_ADDRESS}/24`, 'dev', HOST_TAP);
}

/**
 * Boots our kernel with the server of the transfers, in a network namespace of its own.
 * @throws EnvironmentError when namespaces or taps are not permitted, naming the remedy
 */
export async function startWire(
  kernel: KernelImage,
  variant: Variant,
  accelerator: GuestAccelerator,
  resources: Resources,
): Promise<Wire> {
  const support = await namespaceSupport();
  if (!support.available) throw new EnvironmentError(`interoperation: ${support.reason}\n${support.remedy}`);
  const [transfer, link, image] = await Promise.all([
    compileProgram('tcp_transfer'),
    compileNetworkLink(),
    buildProgramImage(['libc6'], {}),
  ]);
  const namespace = await NetworkNamespace.create(support.how);
  resources.defer(() => namespace.close());
  await makeInterfaces(namespace);

  const directory = resources.directory();
  const [serial, console] = [join(directory, 'serial.log'), join(directory, 'console.log')];
  writeFileSync(console, '');
  const guest = launchGuest(
    guestCommand({
      ...(await programConfig(
        {
          argv: ['/bin/tcp_transfer', 'serve', GUEST_ADDRESS, String(PORT)],
          ...{ files: [{ host: transfer, guest: '/bin/tcp_transfer' }], kernel, image, accelerator },
          ...{ variant: variant.values, options: { ip: `${GUEST_ADDRESS}/24` } },
          network: { tap: GUEST_TAP, mac: GUEST_MAC },
        },
        directory,
      )),
      ...{ serial, console },
    }),
    resources,
    { prefix: namespace.prefix },
  );
  const guestWords = () => `${lastLines(guest.log())}\n${guest.exit?.text ?? ''}`;
  for (const end = performance.now() + START_DEADLINE_MS; !readFileSync(console, 'utf8').includes('listening'); ) {
    if (guest.exit !== undefined || performance.now() > end) {
      throw new BenchError(`interoperation: the server in the guest did not start.\n${guestWords()}`);
    }
    await pause(20);
  }

  const client = (way: 'send' | 'receive', seconds: number, least: number, seed: number, deadlineMs: number) =>
    runCommand(
      [
        ...(namespace.prefix as [string, ...string[]]),
        ...[transfer, way, GUEST_ADDRESS, String(PORT), String(seconds), String(least), String(seed)],
      ],
      { deadlineMs },
    ).then((words) => Number.parseInt(words, 10));
  return {
    transfer: async (point, seconds, seed, deadlineMs) => {
      const capture = join(directory, 'wire.pcap');
      const conditions = Object.entries(point.conditions).flatMap(([name, value]) => [`--${name}`, String(value)]);
      const recording = point.captured ? ['--pcap', capture] : [];
      const running = await startNetworkLink(
        namespace.prefix,
        [link, WIRE_TAP, HOST_TAP, '--seed', String(seed), ...conditions, ...recording],
        resources,
      );
      await namespace.waitForCarrier(HOST_TAP);
      await namespace.waitForCarrier(WIRE_TAP);
      const ways = await Promise.allSettled([
        client('send', seconds, point.leastBytes, seed, deadlineMs),
        client('receive', seconds, point.leastBytes, seed + 1, deadlineMs),
      ]);
      const words = await running.stop();
      const failed = ways.find((way) => way.status === 'rejected');
      if (failed !== undefined) throw new BenchError(`${point.name}: ${failed.reason}\n${words}\n${guestWords()}`);
      const [toGuest, fromGuest] = ways.map((way) => (way.status === 'fulfilled' ? way.value : 0));
      return {
        ...{ toGuest: toGuest ?? 0, fromGuest: fromGuest ?? 0, link: words },
        impossible: point.captured ? await impossibleFrames(capture, PORT) : undefined,
      };
    },
  };
}
