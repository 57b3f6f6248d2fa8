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
import { EXCLUSIONS, type Exclusion, PYTHON_SUITES, REASON_SHOWS } from './python-exclusions.ts';

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
  image = await buildProgramImage(['python3', 'libpython3.11-testsuite', 'dash', 'coreutils'], {});
}, 900_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs Python's test runner, with a file that lists methods for one of its options. */
async function runPython(options: readonly string[], methods: readonly string[], seconds: number) {
  const list = join(folder, 'methods');
  writeFileSync(list, methods.map((method) => `${method}\n`).join(''));
  return runProgram(
    {
      argv: ['python3', '-m', 'test', '-v', ...options],
      environment: { LANG: 'C.UTF-8' },
      files: [{ host: list, guest: '/methods' }],
      kernel,
      image,
      accelerator: chooseAccelerator('kvm').accelerator,
      memoryBytes: 1 << 30,
    },
    seconds * 1000,
  );
}

const methodsOf = (suite: string): readonly Exclusion[] => EXCLUSIONS.filter((exclusion) => exclusion.suite === suite);

describe("Python's own tests", () => {
  it.each(PYTHON_SUITES)(
    '$suite $only',
    async ({ suite, only }) => {
      const part = only === undefined ? [] : ['-m', only];
      const excluded = methodsOf(suite).map(({ method }) => method);
      const result = await runPython([...part, '--ignorefile', '/methods', suite], excluded, 300);
      expect(result.panic).toBeUndefined();
      expect(result.stdout.toString().slice(-6000)).toMatch(/Tests result: SUCCESS/);
      expect(result.end).toEqual({ kind: 'exit', status: 0 });
    },
    330_000,
  );
});

describe('what is left out of them fails, for the reason that is given', () => {
  it.each([...new Set(EXCLUSIONS.map(({ suite }) => suite))])(
    '%s',
    async (suite) => {
      const methods = methodsOf(suite);
      const names = methods.map(({ method }) => method);
      const result = await runPython(['--matchfile', '/methods', suite], names, 120);
      expect(result.panic).toBeUndefined();
      // "ERROR: test_fork (test.test_os.ForkTests.test_fork)" and a traceback, up to the next line of equals signs.
      const failures = result.stdout
        .toString()
        .split(`${'='.repeat(70)}\n`)
        .slice(1);
      for (const { method, reason } of methods) {
        const failure = failures.find((text) => text.split('\n', 1)[0]?.includes(`(${method})`));
        // Without its first line, which names the method: a test of fork has the word in its name.
      expect(failure?.slice(failure.indexOf('\n')), method).toMatch(REASON_SHOWS[reason]);
      }
    },
    150_000,
  );
});
