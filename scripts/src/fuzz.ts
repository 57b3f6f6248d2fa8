import { execFile, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { logTail, ROOT, runStage } from './stage.ts';

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number of at least 1');
  return value;
}

const options = new Command('npm run fuzz --')
  .description('Runs the fuzz targets for long: 10 million inputs each unless told otherwise.')
  .option('--runs <n>', 'inputs for each target', count, 10_000_000)
  .option('--target <name>', 'one target only')
  .parse()
  .opts<{ runs: number; target?: string }>();

const BUILDS = [
  { preset: 'fuzz', source: join(ROOT, 'kernel'), folder: join(ROOT, 'build/hosted/fuzz') },
  { preset: 'generator-fuzz', source: join(ROOT, 'bench/generator'), folder: join(ROOT, 'build/generator-fuzz') },
];
const build = await runStage({
  name: 'fuzz-build',
  about: 'the fuzz targets',
  minutes: 15,
  steps: BUILDS.flatMap(({ preset, source, folder }) => [
    { command: 'cmake', args: ['--preset', preset], cwd: source },
    { command: 'cmake', args: ['--build', folder] },
  ]),
});
if (!build.passed) {
  console.error(`${await logTail(build)}\n${build.reason}`);
  process.exit(70);
}

// CTest knows each target's program and seeds: `npm test` runs them for a short while.
const ctestList = z.object({
  tests: z.array(z.object({ name: z.string().endsWith('_fuzz'), command: z.array(z.string()).min(3) })),
});
type Target = { name: string; binary: string; seeds: string };
async function targetsOf(folder: string): Promise<Target[]> {
  const { stdout } = await promisify(execFile)('ctest', ['--test-dir', folder, '--show-only=json-v1'], {
    timeout: 60_000,
  });
  return ctestList
    .parse(JSON.parse(stdout))
    .tests.map(({ name, command }) => ({ name, binary: command[0] ?? '', seeds: command.at(-1) ?? '' }));
}
const targets = (await Promise.all(BUILDS.map(({ folder }) => targetsOf(folder)))).flat();
const chosen = targets.filter((target) => options.target === undefined || target.name === options.target);
if (chosen.length === 0) {
  console.error(
    `--target: no fuzz target '${options.target}'; targets are ${targets.map((item) => item.name).join(', ')}`,
  );
  process.exit(64);
}

let failed = 0;
for (const target of chosen) {
  const corpus = join(ROOT, 'build/fuzz-corpus', target.name);
  await mkdir(corpus, { recursive: true });
  console.log(`${target.name}: ${options.runs} inputs`);
  const args = [`-runs=${options.runs}`, '-print_final_stats=1', `-artifact_prefix=${corpus}/../${target.name}-`];
  const child = spawn(target.binary, [...args, corpus, target.seeds], { stdio: 'inherit' });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) failed += 1;
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
