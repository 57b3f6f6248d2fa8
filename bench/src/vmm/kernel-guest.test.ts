import { existsSync } from 'node:fs';
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
  Resources,
} from './index.ts';

/*
 * The kernel's in-guest tests, and its ways to fail, on the accelerators there are. These need /dev/kvm, and fail
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

type Boot = { accelerator: GuestAccelerator; machine: Machine; vcpus: number; kernel: string; options: string };

async function boot({ accelerator, machine, vcpus, kernel, options }: Boot) {
  const serial = join(directory, 'serial.log');
  const command = guestCommand({ accelerator, machine, vcpus, memoryBytes: MEMORY, kernel, options, serial });
  const guest = launchGuest(command, resources);
  const exit = await withDeadline(guest.exited, FOUR_MINUTES, 'the guest');
  return { exit, log: guest.log() };
}

function kvm(): GuestAccelerator {
  return chooseAccelerator('kvm').accelerator;
}

async function runTests(accelerator: GuestAccelerator, machine: Machine, vcpus: number): Promise<void> {
  const { exit, log } = await boot({ accelerator, machine, vcpus, kernel: image.testsElf, options: 'run=tests' });
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
  it('KVM, q35, 2 vCPUs', () => runTests(kvm(), 'q35', 2), FOUR_MINUTES);
  it('TCG, q35, 2 vCPUs', () => runTests('tcg', 'q35', 2), FOUR_MINUTES);
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
  ])('%s: reason, registers and a symbolised backtrace', async (provoke, reason, place) => {
    const { exit } = await fail(provoke);
    expect(exit.kind).toBe('panic');
    expect(exit.text).toMatch(reason);
    expect(exit.text).toMatch(/rip [0-9a-f]{16} rsp [0-9a-f]{16}/);
    expect(exit.text).toMatch(new RegExp(`#\\d+ +[0-9a-f]{16} ${place}\\+`));
  });

  it('a wrong boot option is refused by name, with what is allowed', async () => {
    const options = 'run=none net.poll-spin=1';
    const { exit } = await boot({
      accelerator: accelerator(),
      machine: 'microvm',
      vcpus: 1,
      kernel: image.boot,
      options,
    });
    expect(exit.kind).toBe('bad-option');
    expect(exit.text).toContain('net.poll-spin');
  });
});

it('needs /dev/kvm', () => expect(existsSync('/dev/kvm')).toBe(true));
