import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../process/command.ts';
import { type AptSession, DebianFetchError, type PackageIdentity } from './apt-session.ts';

/** One Debian package as it was used, for a sample's provenance. */
export interface PackageProvenance extends PackageIdentity {
  /** False when the version in `packages.lock.json` was no longer offered and the current candidate was used. */
  readonly locked: boolean;
}

/** A package with its files. */
export interface UnpackedPackage extends PackageProvenance {
  /** Directory with the package's files, as below `/`, and its control files in `DEBIAN`. Shared by everyone: read only. */
  readonly directory: string;
}

/** How to fetch. */
export interface CacheOptions {
  readonly onProgress?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Unpacked packages, by content. */
export const packageCacheDirectory = fileURLToPath(new URL('../../../build/cache/debian', import.meta.url));

/** Where a package lies unpacked, if it does. */
export function unpackedDirectory(cache: string, item: PackageIdentity): string {
  return join(cache, `${item.name}_${item.architecture}_${item.sha256.slice(0, 16)}`);
}

/** Whether all packages are unpacked. */
export function allCached(cache: string, packages: readonly PackageIdentity[]): boolean {
  return packages.every((item) => existsSync(unpackedDirectory(cache, item)));
}

/** Unpacks beside the final name and renames, so that another process sees all of it or nothing. */
async function unpack(cache: string, item: PackageIdentity, deb: string, signal?: AbortSignal): Promise<void> {
  const temporary = join(cache, `.unpack-${randomUUID()}`);
  try {
    await runCommand(['dpkg-deb', '-R', deb, temporary], { deadlineMs: 120_000, signal });
    await rename(temporary, unpackedDirectory(cache, item));
  } catch (error) {
    // Somebody else was faster with the same content.
    if (!existsSync(unpackedDirectory(cache, item))) throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Downloads and unpacks what is not in the cache. */
export async function fetchMissing(
  apt: AptSession,
  cache: string,
  packages: readonly PackageIdentity[],
  options: CacheOptions,
): Promise<void> {
  const missing = packages.filter((item) => !existsSync(unpackedDirectory(cache, item)));
  if (missing.length === 0) return;
  options.onProgress?.(`fetching Debian packages: ${missing.map((item) => `${item.name} ${item.version}`).join(', ')}`);
  const debs = await apt.download(missing);
  for (const [index, item] of missing.entries()) await unpack(cache, item, debs[index] as string, options.signal);
}

/**
 * Finds a file of a set of packages, following the merged `/usr` of Debian (`/lib` and `/usr/lib` are one) and symbolic links
 * inside the packages, so that never a file of this machine takes the place of the package's.
 * @param path absolute path as in an installed system
 * @throws DebianFetchError when no package has it
 */
export function packagedFile(packages: readonly UnpackedPackage[], path: string): string {
  let wanted = path;
  // As many links as the kernel follows.
  for (let links = 0; links < 40; links++) {
    const candidates = wanted.startsWith('/usr/') ? [wanted, wanted.slice(4)] : [wanted, `/usr${wanted}`];
    const file = packages
      .flatMap(({ directory }) => candidates.map((candidate) => join(directory, candidate)))
      .find((candidate) => lstatSync(candidate, { throwIfNoEntry: false }) !== undefined);
    if (file === undefined) break;
    if (!lstatSync(file).isSymbolicLink()) return file;
    wanted = posix.resolve(posix.dirname(wanted), readlinkSync(file));
  }
  throw new DebianFetchError(`no file ${path} in ${packages.map((item) => item.name).join(', ')}`);
}
