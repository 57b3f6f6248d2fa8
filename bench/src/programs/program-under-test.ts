import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildKernel, buildProgramImage, defaultValues, type KernelImage } from '@plumbline/variants';
import { afterAll, beforeAll, expect } from 'vitest';
import {
  type AcceleratorRequest,
  chooseAccelerator,
  type ProgramBoot,
  type ProgramResult,
  runProgram,
} from '../vmm/index.ts';

/** A program and the machine for it; the kernel and the accelerator are found for it. */
export interface ProgramRun extends Omit<ProgramBoot, 'kernel' | 'image' | 'accelerator'> {
  /** Debian packages that it needs. */
  readonly packages: readonly string[];
  /** Default: KVM. */
  readonly accelerator?: AcceleratorRequest;
}

/** What tests of programs share while they run. */
export interface ProgramsUnderTest {
  /** For files of the test; it goes with them. Only within tests. */
  readonly folder: string;
  /**
   * Runs a program; a panic of the kernel fails the test.
   * @throws DeadlineError when it does not end in time
   */
  run(program: ProgramRun, deadlineMs: number): Promise<ProgramResult>;
}

/** Prepares the tests of a file, before they start, for programs on the default kernel, and tidies up after them. */
export function programsUnderTest(): ProgramsUnderTest {
  let folder: string | undefined;
  let kernel: KernelImage | undefined;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plumbline-programs-'));
    kernel = await buildKernel(defaultValues());
  }, 900_000);
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  return {
    get folder() {
      if (folder === undefined) throw new Error('the folder is there while tests run');
      return folder;
    },
    async run({ packages, accelerator = 'kvm', ...program }, deadlineMs) {
      if (kernel === undefined) throw new Error('programs run in tests alone');
      const image = await buildProgramImage(packages, {});
      const chosen = chooseAccelerator(accelerator).accelerator;
      const result = await runProgram({ ...program, kernel, image, accelerator: chosen }, deadlineMs);
      expect(result.panic).toBeUndefined();
      return result;
    },
  };
}
