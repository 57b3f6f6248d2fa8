import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildKernel, defaultValues, type KernelImage } from '@plumbline/variants';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withDeadline } from '../deadline.ts';
import { dyingWithUs } from '../process/command.ts';
import { chooseAccelerator, guestCommand, Resources } from '../vmm/index.ts';
import { eventually, TapNamespace } from './testing/tap-namespace.ts';

/*
 * memcaslap, a client that is not ours, against our kernel over a tap in a network namespace. Needs root and /dev/kvm.
 * What the client counts and what the guest counts must agree.
 */
const ADDRESS = '10.9.0.2';
const ASK = fileURLToPath(new URL('testing/udp-ask.mjs', import.meta.url));

let image: KernelImage;
let resources: Resources;
let namespace: TapNamespace;
let directory: string;

beforeAll(async () => {
  image = await buildKernel(defaultValues());
}, 600_000);

beforeEach(async () => {
  resources = new Resources();
  directory = resources.directory();
  namespace = await TapNamespace.create(resources);
});
afterEach(() => resources.close());

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
  const [command, ...args] = dyingWithUs(namespace.inside(['qemu-system-x86_64', ...machine]));
  const guest = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  resources.defer(() => {
    guest.kill('SIGKILL');
  });
}

async function counters(): Promise<Record<string, number>> {
  const text = await namespace.run([process.execPath, ASK, ADDRESS, '11211', 'stats'], 10_000);
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
      namespace.run(['memcaslap', '-s', `${ADDRESS}:11211`, '--udp', '-T', '1', '-c', '8', '-x', '16000'], 60_000),
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
