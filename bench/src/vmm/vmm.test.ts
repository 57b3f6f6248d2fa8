import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { withDeadline } from '../deadline.ts';
import {
  chooseAccelerator,
  chooseCores,
  decodeExit,
  type GuestConfig,
  guestCommand,
  launchGuest,
  panicText,
  parseAcceleratorRequest,
  parseCpuList,
  QmpClient,
  qemuArguments,
  Resources,
} from './index.ts';
import { pciSlots } from './machine.ts';
import { writeTinyGuest } from './testing/tiny-guest.ts';

let resources: Resources;
let directory: string;
beforeEach(() => {
  resources = new Resources();
  directory = resources.directory();
});
afterEach(() => resources.close());

function tinyConfig(text: string, exitValue?: number): GuestConfig {
  const kernel = join(directory, 'tiny.elf');
  writeTinyGuest(kernel, text, exitValue);
  return {
    accelerator: 'tcg',
    machine: 'microvm',
    vcpus: 1,
    memoryBytes: 8 << 20,
    kernel,
    options: '',
    serial: join(directory, 'serial.log'),
  };
}

async function ended(config: GuestConfig) {
  return withDeadline(launchGuest(guestCommand(config), resources).exited, 20_000, 'the guest');
}

describe('how a guest ends', () => {
  it('panic: kind and text', async () => {
    const exit = await ended(tinyConfig('hello\npanic: heap is corrupt\n  #0 free+0x10\n', 0x11));
    expect(exit).toMatchObject({ kind: 'panic', status: 35, text: 'panic: heap is corrupt\n  #0 free+0x10' });
  });
  it('power off', async () => {
    expect(await ended(tinyConfig('bye\n', 0x10))).toMatchObject({ kind: 'ok', status: 33 });
  });
  it("a refused option, with the kernel's words", async () => {
    const exit = await ended(tinyConfig('option net.spins: unknown\n', 0x13));
    expect(exit).toMatchObject({ kind: 'bad-option', status: 39, text: 'option net.spins: unknown' });
  });
  it('a VMM that refuses its arguments: its complaint', async () => {
    const exit = await ended({ ...tinyConfig('', 0x10), extraArguments: ['-device', 'no-such-device'] });
    expect(exit.kind).toBe('vmm-failed');
    expect(exit.text).toContain('no-such-device');
  });
  it('a VMM killed in the middle', async () => {
    const guest = launchGuest(guestCommand(tinyConfig('working\n')), resources);
    expect(await guest.qmp.version()).toMatch(/^\d+\.\d+/);
    process.kill(guest.pid, 'SIGKILL');
    const exit = await withDeadline(guest.exited, 10_000, 'the guest');
    expect(exit).toMatchObject({ kind: 'killed', signal: 'SIGKILL' });
    await expect(guest.qmp.execute('query-status', z.unknown())).rejects.toThrow(/closed/);
  });
  it('a guest that hangs is stopped, and its directory is gone afterwards', async () => {
    const guest = launchGuest(guestCommand(tinyConfig('hanging\n')), resources);
    expect(await guest.vcpuThreads()).toHaveLength(1);
    expect((await guest.stop()).kind).toBe('stopped');
    await resources.close();
    expect(existsSync(directory)).toBe(false);
    expect(existsSync(`/proc/${guest.pid}`)).toBe(false);
  });
  it('closing the resources ends a guest that was forgotten', async () => {
    const guest = launchGuest(guestCommand(tinyConfig('forgotten\n')), resources);
    await guest.qmp.version();
    await resources.close();
    expect(guest.exit?.kind).toBe('stopped');
  });
  it('decodes without a VMM', () => {
    expect(decodeExit(35, null, 'no text', '', false).text).toContain('without a text');
    expect(decodeExit(41, null, 'cpu 1 is stuck', '', false).kind).toBe('stuck');
    expect(decodeExit(1, null, '', 'no /dev/kvm', false).text).toContain('no /dev/kvm');
    expect(panicText('fine\n')).toBeUndefined();
  });
});

describe('arguments', () => {
  const config: GuestConfig = {
    accelerator: 'kvm_pvm',
    machine: 'microvm',
    vcpus: 2,
    memoryBytes: 64 << 20,
    kernel: '/k.elf',
    options: 'run=echo',
    serial: '/a,b.log',
    network: { socket: '/n.sock', queues: 2, mac: '52:54:00:12:34:56' },
  };
  it('puts virtio on PCI with MSI-X under KVM and on MMIO under TCG', () => {
    expect(qemuArguments(config)).toContain(
      'virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56,rx_queue_size=1024,tx_queue_size=1024,mq=on,vectors=6',
    );
    expect(qemuArguments({ ...config, accelerator: 'tcg' })).toContain(
      'virtio-net-device,netdev=net0,mac=52:54:00:12:34:56,rx_queue_size=1024,tx_queue_size=1024,mq=on',
    );
    expect(qemuArguments({ ...config, accelerator: 'tcg', machine: 'q35' }).join(' ')).toContain('vectors=0');
  });
  it('shares the memory with the generator and leaves out what kvm_pvm refuses', () => {
    const line = qemuArguments(config).join(' ');
    expect(line).toContain('memory-backend-memfd,share=on,id=mem,size=65536K');
    expect(line).toContain('-cpu host,-arch-capabilities');
  });
  it('our firmware replaces -kernel on microvm, and only there', () => {
    const firmware = { image: '/f.bin', startInfo: '/i,1.bin' };
    const line = qemuArguments({ ...config, firmware }).join(' ');
    expect(line).toContain(
      '-bios /f.bin -device loader,file=/k.elf -device loader,file=/i,,1.bin,addr=0x1000,force-raw=on',
    );
    expect(line).not.toMatch(/-kernel|-append/);
    const ordinary = qemuArguments({ ...config, machine: 'q35', firmware }).join(' ');
    expect(ordinary).toContain('-kernel /k.elf -append run=echo');
    expect(ordinary).not.toMatch(/-bios|loader/);
  });
  it('console and entropy device answer within the exit', () => {
    const line = qemuArguments({ ...config, console: '/c.log', entropy: true }).join(' ');
    expect(line).toContain('-device virtio-serial-pci,max_ports=1,ioeventfd=off ');
    expect(line).toContain('-device virtio-rng-pci,ioeventfd=off');
    // QEMU's virtio-mmio has no such property of the device.
    const mmio = qemuArguments({ ...config, accelerator: 'tcg', console: '/c.log', entropy: true }).join(' ');
    expect(mmio).toContain('-device virtio-serial-device,max_ports=1 ');
    expect(mmio).toMatch(/-device virtio-rng-device( |$)/);
  });
  it('knows the slots that hold devices, when it knows all devices', () => {
    expect(pciSlots(config)).toBe(2);
    expect(pciSlots({ ...config, console: '/c.log', entropy: true })).toBe(4);
    expect(pciSlots({ ...config, extraArguments: ['-device', 'virtio-rng-pci'] })).toBeUndefined();
    expect(pciSlots({ ...config, accelerator: 'tcg' })).toBeUndefined();
  });
  it('a comma in a path stays in the path', () => {
    expect(qemuArguments(config)).toContain('file,id=serial0,path=/a,,b.log');
  });
});

describe('the accelerator', () => {
  it('kvm without its device is an error that says what to do', () => {
    const paths = { device: join(directory, 'kvm'), pvmModule: join(directory, 'kvm_pvm') };
    expect(() => chooseAccelerator('kvm', paths)).toThrow(/does not exist.*--accel tcg/s);
    expect(chooseAccelerator('auto', paths)).toMatchObject({ accelerator: 'tcg' });
  });
  it('a device that is not KVM is not taken for it', () => {
    expect(() => chooseAccelerator('kvm', { device: '/dev/null', pvmModule: '/x' })).toThrow(/not the KVM device/);
  });
  it('a wrong value names option, value and what is allowed', () => {
    expect(() => parseAcceleratorRequest('xen')).toThrow(
      'option --accel: "xen" is not allowed. Allowed: auto, kvm, tcg.',
    );
  });
});

describe('cores', () => {
  it('gives server and generator different ones', () => {
    expect(chooseCores([3, 5, 6])).toEqual({ server: 3, generator: 5 });
    expect(() => chooseCores([0])).toThrow(/two CPUs/);
    expect(parseCpuList('0-2,5\n')).toEqual([0, 1, 2, 5]);
  });
});

describe('QMP', () => {
  it('rejects a peer that does not speak it', async () => {
    const stream = new PassThrough();
    const client = QmpClient.over(stream);
    stream.push('HTTP/1.1 400\n');
    await expect(client.version()).rejects.toThrow(/not a QMP message/);
  });
  it('does not wait for ever', async () => {
    const client = QmpClient.over(new PassThrough());
    await expect(client.execute('query-status', z.unknown(), {}, 50)).rejects.toThrow(/within 0.05 s/);
  });
});
