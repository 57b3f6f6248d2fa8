import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildKernel, defaultValues, type KernelImage } from '@plumbline/variants';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withDeadline } from '../deadline.ts';
import {
  chooseAccelerator,
  type GuestAccelerator,
  guestCommand,
  launchGuest,
  type Machine,
  qemuArguments,
  Resources,
} from './index.ts';

/*
 * The kernel's in-guest tests, and its ways to fail, on the accelerators there are, started by our firmware and by
 * QEMU's. These need /dev/kvm, and fail
 * without it: half of the kernel's platform code would go untested.
 */
const FOUR_MINUTES = 240_000;
const MEMORY = 64 << 20;

let image: KernelImage;
let resources: Resources;
let directory: string;
beforeAll(async () => {
  image = await buildKernel(defaultValues());
}, 600_000);
beforeEach(() => {
  resources = new Resources();
  directory = resources.directory();
});
afterEach(() => resources.close());

type Start = 'our firmware' | "QEMU's firmware";
type Boot = {
  accelerator: GuestAccelerator;
  machine: Machine;
  vcpus: number;
  kernel: string;
  options: string;
  memoryBytes?: number;
  start?: Start;
};

async function boot({ memoryBytes = MEMORY, start = 'our firmware', ...machine }: Boot) {
  const serial = join(directory, 'serial.log');
  const firmware = { image: image.firmware, startInfo: join(directory, 'start-info.bin') };
  const own = start === 'our firmware' ? { firmware } : {};
  const command = guestCommand({ ...machine, memoryBytes, serial, ...own });
  const guest = launchGuest(command, resources);
  const exit = await withDeadline(guest.exited, FOUR_MINUTES, 'the guest');
  return { exit, log: guest.log() };
}

function kvm(): GuestAccelerator {
  return chooseAccelerator('kvm').accelerator;
}

async function runTests(
  accelerator: GuestAccelerator,
  machine: Machine,
  vcpus: number,
  start: Start = 'our firmware',
): Promise<void> {
  const kernel = image.testsElf;
  const { exit, log } = await boot({ accelerator, machine, vcpus, kernel, options: 'run=tests', start });
  const failures = log.split('\n').filter((line) => /^not ok/.test(line));
  expect({ failures, kind: exit.kind, text: exit.kind === 'ok' ? '' : exit.text }).toEqual({
    failures: [],
    kind: 'ok',
    text: '',
  });
  const planned = Number(/^1\.\.(\d+)/m.exec(log)?.[1]);
  expect(log.split('\n').filter((line) => /^ok \d+/.test(line)).length).toBe(planned);
  expect(planned).toBeGreaterThan(20);
}

describe('in-guest tests', () => {
  it.each([1, 2, 4, 8])('KVM, microvm, %i vCPUs', (vcpus) => runTests(kvm(), 'microvm', vcpus), FOUR_MINUTES);
  it.each([1, 2, 4, 8])('TCG, microvm, %i vCPUs', (vcpus) => runTests('tcg', 'microvm', vcpus), FOUR_MINUTES);
  const QEMUS = "QEMU's firmware";
  it("KVM, microvm by QEMU's firmware, 2 vCPUs", () => runTests(kvm(), 'microvm', 2, QEMUS), FOUR_MINUTES);
  it("TCG, microvm by QEMU's firmware, 2 vCPUs", () => runTests('tcg', 'microvm', 2, QEMUS), FOUR_MINUTES);
  it('KVM, q35, 2 vCPUs', () => runTests(kvm(), 'q35', 2), FOUR_MINUTES);
  it('TCG, q35, 2 vCPUs', () => runTests('tcg', 'q35', 2), FOUR_MINUTES);
});

/** Boots a kernel that stays idle and gives the line in which it says what it found. */
async function found(accelerator: GuestAccelerator, vcpus: number, memoryBytes: number, start: Start) {
  const serial = join(directory, `${start === 'our firmware' ? 'ours' : 'qemus'}.log`);
  const firmware = { image: image.firmware, startInfo: join(directory, 'start-info.bin') };
  const guest = launchGuest(
    guestCommand({
      ...{ accelerator, machine: 'microvm', vcpus, memoryBytes, kernel: image.boot, options: 'run=none', serial },
      ...(start === 'our firmware' ? { firmware } : {}),
    }),
    resources,
  );
  const deadline = Date.now() + 20_000;
  for (;;) {
    const line = /plumbline on (\S+), (\d+) cpus?, (\d+) KiB free/.exec(guest.log());
    if (line) {
      await guest.stop();
      return { platform: line[1], cpus: Number(line[2]), freeKiB: Number(line[3]) };
    }
    if (guest.exit || Date.now() > deadline) throw new Error(`the guest did not come up: ${guest.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe.each(['kvm', 'tcg'] as const)('our firmware, on %s', (request) => {
  const accelerator = () => (request === 'kvm' ? kvm() : 'tcg');

  it.each([
    [1, 4 << 20],
    [3, 64 << 20],
    [4, 6 * 2 ** 30],
  ])("tells of %i processors and all of %i bytes, as QEMU's does", async (vcpus, memoryBytes) => {
    const ours = await found(accelerator(), vcpus, memoryBytes, 'our firmware');
    const qemus = await found(accelerator(), vcpus, memoryBytes, "QEMU's firmware");
    expect({ platform: ours.platform, cpus: ours.cpus }).toEqual({ platform: accelerator(), cpus: vcpus });
    expect(qemus.cpus).toBe(vcpus);
    // QEMU's keeps the 320 KiB between 640 KiB and its own image to itself.
    expect(ours.freeKiB).toBeGreaterThanOrEqual(qemus.freeKiB);
    expect(ours.freeKiB).toBeLessThanOrEqual(qemus.freeKiB + 320);
  });

  it('ends in words when the start info is missing', async () => {
    const config = {
      ...{ accelerator: accelerator(), machine: 'microvm' as const, vcpus: 1, memoryBytes: MEMORY, kernel: image.boot },
      ...{ options: '', serial: join(directory, 'serial.log') },
      firmware: { image: image.firmware, startInfo: join(directory, 'start-info.bin') },
    };
    writeFileSync(config.firmware.startInfo, Buffer.alloc(64));
    const guest = launchGuest({ arguments: qemuArguments(config), logs: [config.serial] }, resources);
    const exit = await withDeadline(guest.exited, 20_000, 'the guest');
    expect(exit).toMatchObject({ kind: 'panic', status: 35 });
    expect(exit.text).toMatch(/^panic: firmware: no PVH start info/);
  });

  it('passes a command line that is too long for the kernel on to it, which refuses it', async () => {
    const options = `run=none ${' '.repeat(2048)}`;
    const { exit } = await boot({
      ...{ accelerator: accelerator(), machine: 'microvm', vcpus: 1, kernel: image.boot, options },
    });
    expect(exit).toMatchObject({ kind: 'bad-option', status: 39 });
    expect(exit.text).toMatch(/longer than 2047 bytes/);
  });
});

describe.each(['kvm', 'tcg'] as const)('a kernel that fails, on %s', (request) => {
  const accelerator = () => (request === 'kvm' ? kvm() : 'tcg');
  const fail = (provoke: string, vcpus = 2) =>
    boot({
      accelerator: accelerator(),
      machine: 'microvm',
      vcpus,
      kernel: image.boot,
      options: `run=none debug.provoke=${provoke}`,
    });

  it.each([
    ['panic', /provoked/, 'provoke_failure'],
    ['assert', /provoked/, 'provoke_failure'],
    ['null', /null pointer/, 'read_null'],
    ['page-fault', /page fault: write to 0x123456789000|page fault: write to 123456789000/, 'write_unmapped'],
    ['write-text', /page fault: write/, 'write_text'],
    ['stack-overflow', /stack/i, 'overflow_stack'],
    ['near-panic', /provoked/, 'panic_near'],
    ['near-fault', /page fault: write/, 'fault_near'],
  ])('%s: reason, registers and a symbolised backtrace', async (provoke, reason, place) => {
    const { exit } = await fail(provoke);
    expect(exit.kind).toBe('panic');
    expect(exit.text).toMatch(reason);
    expect(exit.text).toMatch(/rip [0-9a-f]{16} rsp [0-9a-f]{16}/);
    expect(exit.text).toMatch(new RegExp(`#\\d+ +[0-9a-f]{16} ${place}\\+`));
  });

  it.each(['our firmware', "QEMU's firmware"] as const)(
    'a wrong boot option is refused by name, by %s',
    async (start) => {
      const options = 'run=none net.poll-spin=1';
      const { exit } = await boot({
        accelerator: accelerator(),
        machine: 'microvm',
        vcpus: 1,
        kernel: image.boot,
        options,
        start,
      });
      expect(exit).toMatchObject({ kind: 'bad-option', status: 39 });
      expect(exit.text).toContain('net.poll-spin');
    },
  );
});

it('needs /dev/kvm', () => expect(existsSync('/dev/kvm')).toBe(true));
