import { describe, expect, it } from 'vitest';
import type { AcceleratorRequest } from '../vmm/index.ts';
import { CONFORMANCE_PROGRAMS, compileConformanceProgram, runOnLinux } from './conformance.ts';
import { programsUnderTest } from './program-under-test.ts';

/*
 * The programs of kernel/linux/conformance run on this machine's Linux and, the same binaries, on our kernel: they must
 * print the same. Needs /dev/kvm, and fails without.
 */
const programs = programsUnderTest();

/** What differs between accelerators is the way in and out of programs; TCG has the plainest one. */
const ACCELERATORS: readonly AcceleratorRequest[] = ['kvm', 'tcg'];

/** QEMU's translator raises no floating-point exceptions for vector instructions: nothing of ours to see there. */
const NOT_EMULATED = ['float_faults'];

describe.each(ACCELERATORS)('on our kernel under %s as on Linux', (accelerator) => {
  it.each(CONFORMANCE_PROGRAMS.filter((name) => accelerator !== 'tcg' || !NOT_EMULATED.includes(name)))(
    '%s',
    async (name) => {
      const binary = await compileConformanceProgram(name, programs.folder);
      const linux = await runOnLinux(binary);
      const guest = `/bin/${name}`;
      const files = [{ host: binary, guest }];
      const ours = await programs.run(
        { argv: [guest], packages: ['libc6'], directory: '/tmp', files, accelerator },
        120_000,
      );
      expect(ours.stdout.toString().split('\n')).toEqual(linux.stdout.toString().split('\n'));
      expect(ours.end).toEqual(linux.end);
    },
    180_000,
  );
});
