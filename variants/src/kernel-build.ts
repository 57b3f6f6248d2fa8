import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDefinitions, buildKey, type VariantValues } from './declarations.ts';
import { readBuildId } from './elf.ts';
import { takeLockFile } from './lock-file.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** A built kernel. */
export type KernelImage = {
  /** The image that is booted: without symbol table and debug information. */
  boot: string;
  /** The same image, with both: for debuggers and for reading symbols. */
  elf: string;
  /** Our firmware for QEMU's microvm, which starts any of these images. */
  firmware: string;
  /** Path of plumbline-tests.elf, the same kernel with the in-guest tests. */
  testsElf: string;
  /** GNU build id, hexadecimal. */
  buildId: string;
  /** Size of the image that is booted, in bytes: what one ships. */
  bytes: number;
  /** Of the image that is booted. */
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
 * Builds the kernel of a variant into build/kernel/<key>; CMake and Ninja decide what is out of date. The paths in the
 * result are of a copy that later builds leave alone.
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
    return await keepImage(folder, signal);
  } finally {
    release();
  }
}

/** Images that nothing has asked for in so long belong to no run any more. */
const IMAGE_LIFE_MS = 2 * 24 * 3_600_000;

/**
 * Keeps the image and the firmware that were built under their content's name, so that a build during a measurement
 * takes nothing away from it: every boot of a run is of one image.
 */
async function keepImage(folder: string, signal?: AbortSignal): Promise<KernelImage> {
  const built = join(folder, 'plumbline.elf');
  const content = await readFile(built);
  const firmwareContent = await readFile(join(folder, 'firmware.bin'));
  const images = join(folder, 'images');
  const own = join(images, createHash('sha256').update(content).update(firmwareContent).digest('hex').slice(0, 16));
  const elf = join(own, 'plumbline.elf');
  const boot = join(own, 'plumbline-boot.elf');
  const firmware = join(own, 'firmware.bin');
  await mkdir(own, { recursive: true });
  if (!(await exists(boot))) {
    await writeFile(elf, content);
    await writeFile(firmware, firmwareContent);
    await run('objcopy', ['--strip-all', elf, `${boot}.new`], signal);
    await rename(`${boot}.new`, boot);
  }
  const now = new Date();
  await utimes(own, now, now);
  await removeOldImages(images, now.getTime() - IMAGE_LIFE_MS);
  const bytes = await readFile(boot);
  return {
    boot,
    elf,
    firmware,
    testsElf: join(folder, 'plumbline-tests.elf'),
    buildId: readBuildId(boot, bytes),
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function removeOldImages(images: string, before: number): Promise<void> {
  for (const name of await readdir(images)) {
    const path = join(images, name);
    if ((await stat(path)).mtimeMs < before) await rm(path, { recursive: true, force: true });
  }
}

/** Two runs at once must not build in one folder: the second waits for the first. */
async function lock(folder: string): Promise<() => void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, '.lock');
  const deadline = Date.now() + BUILD_DEADLINE_MS;
  for (;;) {
    const attempt = takeLockFile(file);
    if ('release' in attempt) return attempt.release;
    if (Date.now() > deadline) {
      throw new KernelBuildError(`${file}: another build (process ${attempt.holder}) has not ended`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
