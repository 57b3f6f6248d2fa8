import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildKernel, defaultValues, type KernelImage } from '@plumbline/variants';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withDeadline } from '../deadline.ts';
import { dyingWithUs, runCommand } from '../process/command.ts';
import { chooseAccelerator, guestCommand, Resources } from '../vmm/index.ts';

/*
 * memcaslap, a client that is not ours, against our kernel over a tap in a network namespace. Needs root and /dev/kvm.
 * What the client counts and what the guest counts must agree.
 */
const ADDRESS = '10.9.0.2';
const ASK = fileURLToPath(new URL('testing/udp-ask.mjs', import.meta.url));
const SET_UP = [
  'ip link set lo up',
  'ip tuntap add tap0 mode tap',
  'ip address add 10.9.0.1/24 dev tap0',
  'ip link set tap0 up',
  'exec sleep infinity',
].join(' && ');

let image: KernelImage;
let resources: Resources;
let holder: ChildProcess;
let directory: string;

beforeAll(async () => {
  image = await buildKernel(defaultValues());
}, 600_000);

function inNamespace(argv: string[]): [string, ...string[]] {
  return ['nsenter', '--target', String(holder.pid), '--net', '--', ...argv];
}

beforeEach(async () => {
  resources = new Resources();
  directory = resources.directory();
  const [command, ...args] = dyingWithUs(['unshare', '--net', 'sh', '-c', SET_UP]);
  holder = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  resources.defer(() => {
    holder.kill('SIGKILL');
  });
  await eventually('the tap device', async () =>
    (await runCommand(inNamespace(['ip', 'link']), { deadlineMs: 5_000 })).includes('tap0'),
  );
});
afterEach(() => resources.close());

/** Asks until the answer is yes, every 50 ms, for at most ten seconds. */
async function eventually(what: string, question: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await question().catch(() => false))) {
    if (Date.now() > end) throw new Error(`${what} does not come up`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function startGuest(request: 'kvm' | 'tcg'): void {
  const { accelerator } = chooseAccelerator(request);
  const device = accelerator === 'tcg' ? 'virtio-net-device' : 'virtio-net-pci';
  const { arguments: machine } = guestCommand({
    accelerator,
    machine: 'microvm',
    vcpus: 1,
    memoryBytes: 128 << 20,
    kernel: image.elf,
    options: `run=memcached ip=${ADDRESS}/24 memcached.memory=32M`,
    serial: join(directory, 'serial.log'),
    extraArguments: [
      ...['-netdev', 'tap,id=net0,ifname=tap0,script=no,downscript=no'],
      ...['-device', `${device},netdev=net0`],
    ],
  });
  const [command, ...args] = dyingWithUs(inNamespace(['qemu-system-x86_64', ...machine]));
  const guest = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  resources.defer(() => {
    guest.kill('SIGKILL');
  });
}

async function counters(): Promise<Record<string, number>> {
  const text = await runCommand(inNamespace([process.execPath, ASK, ADDRESS, '11211', 'stats']), {
    deadlineMs: 10_000,
  });
  return Object.fromEntries(
    [...text.matchAll(/^STAT (\S+) (\d+)\r?$/gm)].map(([, name, value]) => [name, Number(value)]),
  );
}

describe.each(['kvm', 'tcg'] as const)('memcaslap over tap, guest on %s', (request) => {
  it('gets every answer, and counts what the guest counts', async () => {
    startGuest(request);
    await eventually('the guest', async () => (await counters()).pid !== undefined).catch((error: Error) => {
      const log = join(directory, 'serial.log');
      throw new Error(`${error.message}\n${existsSync(log) ? readFileSync(log, 'utf8') : 'no console'}`);
    });
    const before = await counters();
    const output = await withDeadline(
      runCommand(inNamespace(['memcaslap', '-s', `${ADDRESS}:11211`, '--udp', '-T', '1', '-c', '8', '-x', '16000']), {
        deadlineMs: 60_000,
      }),
      70_000,
      'memcaslap',
    );
    const count = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(output)?.[1]);
    const after = await counters();
    const difference = (name: string) => (after[name] ?? Number.NaN) - (before[name] ?? Number.NaN);
    expect(count('udp_timeout')).toBe(0);
    expect(count('packet_drop')).toBe(0);
    expect(count('cmd_get')).toBeGreaterThan(10_000);
    expect(difference('cmd_get')).toBe(count('cmd_get'));
    expect(difference('cmd_set')).toBe(count('cmd_set'));
    expect(difference('get_misses')).toBe(count('get_misses'));
  }, 120_000);
});
