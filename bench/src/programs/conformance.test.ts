import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  buildKernel,
  buildProgramImage,
  defaultValues,
  type KernelImage,
  type ProgramImage,
} from '@plumbline/variants';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AcceleratorRequest, chooseAccelerator, runProgram } from '../vmm/index.ts';
import { CONFORMANCE_PROGRAMS, compileConformanceProgram, runOnLinux } from './conformance.ts';

/*
 * The programs of kernel/linux/conformance run on this machine's Linux and, the same binaries, on our kernel: they must
 * print the same. Needs /dev/kvm, and fails without.
 */
let folder: string;
let kernel: KernelImage;
let image: ProgramImage;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-conformance-'));
  kernel = await buildKernel(defaultValues());
  image = await buildProgramImage(['libc6'], {});
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What differs between accelerators is the way in and out of programs; TCG has the plainest one. */
const ACCELERATORS: readonly AcceleratorRequest[] = ['kvm', 'tcg'];

/** QEMU's translator raises no floating-point exceptions for vector instructions: nothing of ours to see there. */
const NOT_EMULATED = ['float_faults'];

describe.each(ACCELERATORS)('on our kernel under %s as on Linux', (accelerator) => {
  it.each(CONFORMANCE_PROGRAMS.filter((name) => accelerator !== 'tcg' || !NOT_EMULATED.includes(name)))(
    '%s',
    async (name) => {
      const binary = await compileConformanceProgram(name, folder);
      const linux = await runOnLinux(binary);
      const ours = await runProgram(
        {
          argv: [`/bin/${name}`],
          directory: '/tmp',
          files: [{ host: binary, guest: `/bin/${name}` }],
          kernel,
          image,
          accelerator: chooseAccelerator(accelerator).accelerator,
        },
        120_000,
      );
      expect(ours.panic).toBeUndefined();
      expect(ours.stdout.toString().split('\n')).toEqual(linux.stdout.toString().split('\n'));
      expect(ours.end).toEqual(linux.end);
    },
    180_000,
  );
});
