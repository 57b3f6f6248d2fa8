import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cSources } from './sources.ts';
import { ROOT, type Stage, type Step } from './stage.ts';

function npx(...args: string[]): Step {
  return { command: 'npx', args: ['--no-install', ...args] };
}

function tsx(file: string): Step {
  return { command: process.execPath, args: ['--import', 'tsx', file] };
}

/** Configures, builds and tests one preset of a CMake project: all its tests, or those with a label. */
function preset(project: string, name: string, folder: string, label?: string): Step[] {
  const cwd = join(ROOT, project);
  return [
    { command: 'cmake', args: ['--preset', name], cwd },
    { command: 'cmake', args: ['--build', '--preset', name], cwd },
    {
      command: 'ctest',
      args: [
        ...['--test-dir', join(ROOT, folder), '--output-on-failure', '--no-tests=error'],
        ...['--parallel', String(availableParallelism())],
        ...(label === undefined ? [] : ['--label-regex', `^${label}$`]),
      ],
    },
  ];
}

/** What `npm test` runs, in order. Minutes are deadlines, not estimates. */
export function stages(): Stage[] {
  return [
    {
      name: 'lint',
      about: 'format, lint rules, types',
      minutes: 5,
      steps: [
        npx('biome', 'ci', '--colors=off', '--error-on-warnings', '.'),
        npx('tsc', '-p', '.'),
        { command: 'clang-format-14', args: ['--dry-run', '--Werror', ...cSources()] },
      ],
    },
    {
      name: 'kernel-build',
      about: 'the kernel of the default variant, warnings are errors',
      minutes: 10,
      steps: [tsx('scripts/src/build-kernel.ts')],
    },
    {
      name: 'kernel-hosted-asan',
      about: 'unit tests of portable kernel code under AddressSanitizer and UBSan',
      minutes: 25,
      // The real memcached, which ours is compared with.
      steps: [tsx('scripts/src/fetch-packages.ts'), ...preset('kernel', 'hosted-asan', 'build/hosted/address')],
    },
    {
      name: 'kernel-hosted-copy',
      about: 'what has TCP connections in it once more, with the queues of the variant net=copy',
      minutes: 20,
      steps: preset('kernel', 'hosted-copy', 'build/hosted/copy', 'stream'),
    },
    {
      name: 'kernel-hosted-tsan',
      about: 'the same under ThreadSanitizer',
      minutes: 25,
      steps: preset('kernel', 'hosted-tsan', 'build/hosted/thread'),
    },
    {
      name: 'kernel-fuzz',
      about: 'fuzz targets on their seeds and a bounded number of new inputs',
      minutes: 20,
      steps: preset('kernel', 'fuzz', 'build/hosted/fuzz'),
    },
    {
      name: 'generator',
      about: 'unit tests of the load generator under sanitizers, and its parsers fuzzed',
      minutes: 15,
      steps: [
        ...preset('bench/generator', 'generator', 'build/generator'),
        ...preset('bench/generator', 'generator-fuzz', 'build/generator-fuzz'),
      ],
    },
    {
      name: 'workbench',
      about: 'workbench and in-guest tests (vitest); those in guests need /dev/kvm, those with namespaces need root',
      minutes: 40,
      steps: [npx('vitest', 'run')],
    },
  ];
}
