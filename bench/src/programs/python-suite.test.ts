import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
import { chooseAccelerator, runProgram } from '../vmm/index.ts';
import { EXCLUSIONS, PYTHON_SUITES, REASON_SHOWS } from './python-exclusions.ts';

/*
 * Python's own tests, from Debian's libpython3.11-testsuite, on our kernel. What is left out stands in
 * python-exclusions.ts with its reason, and is run too: it must fail for that reason. Needs /dev/kvm.
 */
let folder: string;
let kernel: KernelImage;
let image: ProgramImage;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-python-'));
  kernel = await buildKernel(defaultValues());
  image = await buildProgramImage(['python3', 'libpython3.11-testsuite'], {});
}, 900_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a suite, with these options of Python's test runner. */
async function runSuite(suite: string, options: readonly string[], ignored: readonly string[], seconds: number) {
  const ignore = join(folder, `${suite}.ignore`);
  writeFileSync(ignore, ignored.map((pattern) => `${pattern}\n`).join(''));
  return runProgram(
    {
      argv: ['python3', '-m', 'test', '-v', ...options, '--ignorefile', '/ignore', suite],
      environment: { HOME: '/root', LANG: 'C.UTF-8' },
      files: [{ host: ignore, guest: '/ignore' }],
      kernel,
      image,
      accelerator: chooseAccelerator('kvm').accelerator,
      memoryBytes: 1 << 30,
    },
    seconds * 1000,
  );
}

const excludedOf = (suite: string) => EXCLUSIONS.filter((exclusion) => exclusion.suite === suite);

describe("Python's own tests", () => {
  it.each(PYTHON_SUITES)(
    '%s',
    async (suite) => {
      const ignored = excludedOf(suite).map(({ pattern }) => pattern);
      const result = await runSuite(suite, [], ignored, 400);
      expect(result.panic).toBeUndefined();
      expect(result.stdout.toString().slice(-6000)).toMatch(/Tests result: SUCCESS/);
      expect(result.end).toEqual({ kind: 'exit', status: 0 });
    },
    420_000,
  );
});

describe('what is left out of them fails for the reason that is given', () => {
  it.each(EXCLUSIONS)(
    '$suite $pattern: $reason',
    async ({ suite, pattern, reason }) => {
      const result = await runSuite(suite, ['-m', pattern], [], 120);
      expect(result.stdout.toString()).toMatch(REASON_SHOWS[reason]);
      expect(result.end).not.toEqual({ kind: 'exit', status: 0 });
    },
    150_000,
  );
});
