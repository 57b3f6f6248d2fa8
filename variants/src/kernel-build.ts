import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDefinitions, buildKey, type VariantValues } from './declarations.ts';
import { readBuildId } from './elf.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** A built kernel. */
export type KernelImage = {
  /** Path of plumbline.elf. */
  elf: string;
  /** Path of plumbline-tests.elf, the same kernel with the in-guest tests. */
  testsElf: string;
  /** GNU build id, hexadecimal. */
  buildId: string;
  /** Size of the image as it is loaded: the file without debug information would not be smaller in the guest. */
  bytes: number;
  sha256: string;
};

/** The kernel did not build; carries the compiler's output. Exit code 70 (EX_SOFTWARE). */
export class KernelBuildError extends Error {
  readonly exitCode = 70;
  constructor(message: string) {
    super(message);
    this.name = 'KernelBuildError';
  }
}

const BUILD_DEADLINE_MS = 15 * 60_000;

async function run(command: string, args: string[], signal?: AbortSignal): Promise<void> {
  const child: ChildProcess = spawn(command, args, {
    cwd: join(REPOSITORY, 'kernel'),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: BUILD_DEADLINE_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-20_000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve(status));
  });
  if (code !== 0) throw new KernelBuildError(`${command} ${args.join(' ')} ended with ${code}:\n${output}`);
}

/**
 * Builds the kernel of a variant into build/kernel/<key>; CMake and Ninja decide what is out of date.
 *
 * @param values the variant's values; only `build` dimensions matter here
 * @throws KernelBuildError with the compiler's output
 */
export async function buildKernel(values: VariantValues, signal?: AbortSignal): Promise<KernelImage> {
  const folder = join(REPOSITORY, 'build', 'kernel', buildKey(values));
  const definitions = Object.entries(buildDefinitions(values)).map(([name, value]) => `-D${name}=${value}`);
  const release = await lock(folder);
  try {
    await run('cmake', ['--preset', 'kernel', '-B', folder, ...definitions], signal);
    await run('cmake', ['--build', folder], signal);
  } finally {
    await release();
  }
  return describeImage(folder);
}

async function describeImage(folder: string): Promise<KernelImage> {
  const elf = join(folder, 'plumbline.elf');
  const bytes = await readFile(elf);
  return {
    elf,
    testsElf: join(folder, 'plumbline-tests.elf'),
    buildId: readBuildId(elf, bytes),
    bytes: (await stat(elf)).size,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

/** Two runs at once must not build in one folder: the second waits for the first. */
async function lock(folder: string): Promise<() => Promise<void>> {
  const { mkdir, rm } = await import('node:fs/promises');
  await mkdir(folder, { recursive: true });
  const file = join(folder, '.lock');
  const deadline = Date.now() + BUILD_DEADLINE_MS;
  for (;;) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(await readFile(file, 'utf8').catch(() => '0'));
      if (holder > 0 && !isAlive(holder)) await rm(file, { force: true });
      if (Date.now() > deadline) throw new KernelBuildError(`${file}: another build (process ${holder}) has not ended`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
