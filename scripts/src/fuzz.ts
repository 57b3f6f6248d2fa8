import { spawn } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
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

const build = await runStage({
  name: 'fuzz-build',
  about: 'the fuzz targets',
  minutes: 10,
  steps: [
    { command: 'cmake', args: ['--preset', 'fuzz'], cwd: join(ROOT, 'kernel') },
    { command: 'cmake', args: ['--build', join(ROOT, 'build/hosted/fuzz')] },
  ],
});
if (!build.passed) {
  console.error(`${await logTail(build)}\n${build.reason}`);
  process.exit(70);
}

const folder = join(ROOT, 'build/hosted/fuzz');
type Target = { name: string; binary: string; seeds: string };
const targets: Target[] = [];
for (const entry of await readdir(folder, { recursive: true })) {
  if (!/(^|\/)[a-z_]+_fuzz$/.test(entry)) continue;
  const name = entry.split('/').pop() ?? entry;
  const layer = entry.split('/').slice(0, -1).join('/');
  targets.push({ name, binary: join(folder, entry), seeds: join(ROOT, 'kernel', layer, 'fuzz_seeds') });
}
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
