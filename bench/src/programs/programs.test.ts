import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildKernel, buildProgramImage, defaultValues, type KernelImage } from '@plumbline/variants';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AcceleratorRequest, chooseAccelerator, runProgram } from '../vmm/index.ts';
import { type ProgramJob, programJobs } from './jobs.ts';

/*
 * Debian's own programs, unmodified, do real jobs on our kernel: whole ones under KVM, short ones emulated. Needs
 * /dev/kvm, and fails without.
 */
let folder: string;
let kernel: KernelImage;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-jobs-'));
  kernel = await buildKernel(defaultValues());
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(job: ProgramJob, accelerator: AcceleratorRequest, deadlineMs: number) {
  const files = Object.entries(job.texts ?? {}).map(([guest, text]) => {
    const host = join(folder, guest.slice(1));
    writeFileSync(host, text);
    return { host, guest };
  });
  const result = await runProgram(
    {
      argv: job.argv,
      files,
      kernel,
      image: await buildProgramImage(job.packages, {}),
      accelerator: chooseAccelerator(accelerator).accelerator,
      vcpus: job.vcpus ?? 1,
    },
    deadlineMs,
  );
  expect(result.panic).toBeUndefined();
  expect(result.stdout.toString()).toMatch(job.output);
  expect(result.end).toEqual({ kind: 'exit', status: 0 });
}

describe('an unmodified program does its job under KVM', () => {
  it.each(programJobs('whole'))('$name', (job) => run(job, 'kvm', job.seconds * 1000), 180_000);
});

describe('an unmodified program does its job emulated', () => {
  it.each(programJobs('short'))('$name', (job) => run(job, 'tcg', job.seconds * 3000), 240_000);
});
