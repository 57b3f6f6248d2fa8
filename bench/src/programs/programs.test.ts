import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AcceleratorRequest } from '../vmm/index.ts';
import { type ProgramJob, programJobs } from './jobs.ts';
import { programsUnderTest } from './program-under-test.ts';

/*
 * Debian's own programs, unmodified, do real jobs on our kernel: whole ones under KVM, short ones emulated. Needs
 * /dev/kvm, and fails without.
 */
const programs = programsUnderTest();

async function run(job: ProgramJob, accelerator: AcceleratorRequest, deadlineMs: number) {
  const files = Object.entries(job.texts ?? {}).map(([guest, text]) => {
    const host = join(programs.folder, guest.slice(1));
    writeFileSync(host, text);
    return { host, guest };
  });
  const { argv, packages, vcpus = 1 } = job;
  const result = await programs.run({ argv, packages, vcpus, files, accelerator }, deadlineMs);
  expect(result.stdout.toString()).toMatch(job.output);
  expect(result.end).toEqual({ kind: 'exit', status: 0 });
}

describe('an unmodified program does its job under KVM', () => {
  it.each(programJobs('whole'))('$name', (job) => run(job, 'kvm', job.seconds * 1000), 180_000);
});

describe('an unmodified program does its job emulated', () => {
  it.each(programJobs('short'))('$name', (job) => run(job, 'tcg', job.seconds * 3000), 240_000);
});
