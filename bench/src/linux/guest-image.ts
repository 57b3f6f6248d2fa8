import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type CpioEntry,
  fetchPackageSet,
  type PackageProvenance,
  packagedFile,
  removeStaleDirectories,
  type UnpackedPackage,
  writeCpio,
} from '@plumbline/variants';
import { BenchError } from '../errors.ts';
import { runCommand } from '../process/command.ts';
import { readModules } from './modules.ts';

/** A Linux guest that can be booted with a program behind its initramfs: Debian's cloud kernel and drivers, and our init. */
export interface LinuxGuestImage {
  /** Path of the kernel (a bzImage, for QEMU's `-kernel`). */
  readonly kernel: string;
  /** Path of the uncompressed initramfs (for `-initrd`). */
  readonly initramfs: string;
  /** The kernel's release, such as `6.1.0-56-cloud-amd64`. */
  readonly release: string;
  /** SHA-256 over kernel and initramfs, hexadecimal: the image's identity in a sample's provenance. */
  readonly buildId: string;
  /** Size of kernel and initramfs together. */
  readonly bytes: number;
  readonly packages: readonly PackageProvenance[];
  /** Lines the user should see, for example that a locked version was gone. */
  readonly notices: readonly string[];
}

/** How to build the guest. */
export interface LinuxGuestImageOptions {
  /** Called with one line for every longer step. */
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Where images are kept; default `build/images`. */
  readonly imageDirectory?: string;
}

const imageDirectory = fileURLToPath(new URL('../../../build/images', import.meta.url));
const initSource = fileURLToPath(new URL('init.c', import.meta.url));
const initFlags = ['-std=gnu11', '-Os', '-static', '-Wall', '-Wextra', '-Werror', '-Wl,--build-id=none,--strip-all'];

/** Change it when this file lays the image out anew, so that cached images are not mistaken for new ones. */
const LAYOUT = 3;

/** The drivers for both transports; their dependencies come along. */
const MODULES = ['virtio_mmio', 'virtio_pci', 'virtio_net'];

async function compileInit(signal: AbortSignal | undefined): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'plumbline-init-'));
  try {
    const output = join(directory, 'init');
    await runCommand(['gcc-12', ...initFlags, '-o', output, initSource], { deadlineMs: 60_000, signal });
    return await readFile(output);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The kernel's release, from the one directory of modules that its package has. */
async function kernelRelease(kernel: readonly UnpackedPackage[]): Promise<string> {
  const releases = await readdir(packagedFile(kernel, '/lib/modules'));
  if (releases.length !== 1 || releases[0] === undefined) {
    throw new BenchError(`kernel package: one release expected below /lib/modules, found ${releases.join(', ')}`);
  }
  return releases[0];
}

async function initramfsEntries(
  kernel: readonly UnpackedPackage[],
  release: string,
  signal: AbortSignal | undefined,
): Promise<CpioEntry[]> {
  const modules = await readModules(packagedFile(kernel, `/lib/modules/${release}`), MODULES);
  const file = (path: string, mode: number, data: Buffer): CpioEntry => ({ path, kind: 'file', mode, data });
  const directory = (path: string, mode = 0o755): CpioEntry => ({ path, kind: 'directory', mode });
  return [
    // The kernel opens it for the first process before anything is mounted.
    { path: 'dev/console', kind: 'character-device', mode: 0o600, device: [5, 1] },
    ...[directory('proc'), directory('sys'), directory('tmp', 0o1777)],
    file('init', 0o755, await compileInit(signal)),
    // Servers look their users up.
    file('etc/passwd', 0o644, Buffer.from('root:x:0:0::/:/init\nnobody:x:65534:65534::/:/init\n')),
    file('etc/group', 0o644, Buffer.from('root:x:0:\nnogroup:x:65534:\n')),
    file('modules/order', 0o644, Buffer.from(modules.map((module) => `${module.file}\n`).join(''))),
    ...modules.map((module) => file(`modules/${module.file}`, 0o644, module.data)),
    { path: 'lib/x86_64-linux-gnu', kind: 'symlink', target: '../usr/lib/x86_64-linux-gnu' },
  ];
}

/** What decides the image's bytes, but for the compiler's own version, which is asked too. */
async function inputsKey(packages: readonly PackageProvenance[], signal: AbortSignal | undefined): Promise<string> {
  const compiler = await runCommand(['gcc-12', '--version'], { deadlineMs: 10_000, signal });
  const hash = createHash('sha256').update(`${LAYOUT}\n${compiler}\n${initFlags.join(' ')}\n`);
  hash.update(await readFile(initSource));
  for (const item of packages) hash.update(`${item.name} ${item.sha256}\n`);
  return hash.digest('hex').slice(0, 16);
}

/** Builds into a directory beside the final one and renames it, so that an image is there whole or not at all. */
async function buildInto(directory: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${directory}.${randomUUID()}`;
  await mkdir(temporary, { recursive: true });
  await removeStaleDirectories(dirname(directory), /^linux-guest-\w+\./);
  try {
    await write(temporary);
    await rename(temporary, directory);
  } catch (error) {
    // Another process has built the same image meanwhile.
    if (!existsSync(directory)) throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Fetches the packages (cached) and builds the image (cached by content, below `build/images/`). The same packages and the
 * same compiler give the same bytes.
 * @throws DebianFetchError offline with an empty cache, or without apt
 * @throws CommandError when init does not compile
 */
export async function buildLinuxGuestImage(options: LinuxGuestImageOptions = {}): Promise<LinuxGuestImage> {
  const { onProgress, signal } = options;
  const kernel = await fetchPackageSet('kernel', { onProgress, signal });
  const packages = kernel.packages.map(({ directory: _, ...provenance }) => provenance);
  const release = await kernelRelease(kernel.packages);
  const directory = join(options.imageDirectory ?? imageDirectory, `linux-guest-${await inputsKey(packages, signal)}`);
  if (!existsSync(directory)) {
    onProgress?.('building the Linux guest: kernel, and drivers in an initramfs');
    await buildInto(directory, async (temporary) => {
      const vmlinuz = await readFile(packagedFile(kernel.packages, `/boot/vmlinuz-${release}`));
      await writeFile(join(temporary, 'vmlinuz'), vmlinuz);
      const entries = await initramfsEntries(kernel.packages, release, signal);
      await writeFile(join(temporary, 'initramfs.cpio'), writeCpio(entries));
    });
  }
  const files = { kernel: join(directory, 'vmlinuz'), initramfs: join(directory, 'initramfs.cpio') };
  const hash = createHash('sha256');
  for (const path of Object.values(files)) hash.update(await readFile(path));
  return {
    ...files,
    release,
    buildId: hash.digest('hex'),
    bytes: (await stat(files.kernel)).size + (await stat(files.initramfs)).size,
    packages,
    notices: kernel.notices,
  };
}
