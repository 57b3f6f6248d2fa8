import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { programsUnderTest } from './program-under-test.ts';
import { EXCLUSIONS, type Exclusion, PYTHON_SUITES, REASON_SHOWS, suiteTitle } from './python-exclusions.ts';

/*
 * Python's own tests, from Debian's libpython3.11-testsuite, on our kernel. What is left out stands in
 * python-exclusions.ts with its reason, and is run too: it must fail for that reason. Needs /dev/kvm.
 */
const programs = programsUnderTest();
const PACKAGES = ['python3', 'libpython3.11-testsuite', 'dash', 'coreutils'];

/** Runs Python's test runner, with a file that lists methods for one of its options. */
async function runPython(options: readonly string[], methods: readonly string[], seconds: number) {
  const list = join(programs.folder, 'methods');
  writeFileSync(list, methods.map((method) => `${method}\n`).join(''));
  return programs.run(
    {
      argv: ['python3', '-m', 'test', '-v', ...options],
      packages: PACKAGES,
      environment: { LANG: 'C.UTF-8' },
      files: [{ host: list, guest: '/methods' }],
      memoryBytes: 1 << 30,
    },
    seconds * 1000,
  );
}

const methodsOf = (suite: string): readonly Exclusion[] => EXCLUSIONS.filter((exclusion) => exclusion.suite === suite);

describe("Python's own tests", () => {
  it.each(PYTHON_SUITES.map((part) => [suiteTitle(part), part] as const))(
    '%s',
    async (_, { suite, only }) => {
      const part = only === undefined ? [] : ['-m', only];
      const excluded = methodsOf(suite).map(({ method }) => method);
      const result = await runPython([...part, '--ignorefile', '/methods', suite], excluded, 300);
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
