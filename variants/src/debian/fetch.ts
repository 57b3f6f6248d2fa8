import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { runCommand } from '../process/command.ts';
import { AptSession, DebianFetchError, identityOf, type PackageIdentity } from './apt-session.ts';
import { readPackageLock } from './lock.ts';
import { type PackageSetName, resolveSet } from './package-sets.ts';

export { DebianFetchError } from './apt-session.ts';

/** One Debian package as it was used, for a sample's provenance. */
export interface PackageProvenance extends PackageIdentity {
  /** False when the version in `packages.lock.json` was no longer offered and the current candidate was used. */
  readonly locked: boolean;
}

/** A package with its files. */
export interface UnpackedPackage extends PackageProvenance {
  /** Directory with the package's files, as below `/`. Shared by everyone: read only. */
  readonly directory: string;
}

/** A set of packages, ready to use. */
export interface FetchedPackages {
  readonly packages: readonly UnpackedPackage[];
  /** Lines for the user, when something is not as locked. */
  readonly notices: readonly string[];
}

/** How to fetch. */
export interface FetchOptions {
  readonly cacheDirectory?: string;
  /** The locked packages; default: `packages.lock.json`. */
  readonly locked?: readonly PackageIdentity[];
  readonly onProgress?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Unpacked packages, by content. */
export const packageCacheDirectory = fileURLToPath(new URL('../../../build/cache/debian', import.meta.url));

const identities = z.array(
  z.object({ name: z.string(), version: z.string(), architecture: z.string(), sha256: z.string() }),
);

function directoryOf(cache: string, item: PackageIdentity): string {
  return join(cache, `${item.name}_${item.architecture}-${item.sha256.slice(0, 16)}`);
}

function allCached(cache: string, packages: readonly PackageIdentity[]): boolean {
  return packages.every((item) => existsSync(directoryOf(cache, item)));
}

/** Unpacks beside the final name and renames, so that another process sees all of it or nothing. */
async function unpack(cache: string, item: PackageIdentity, deb: string, signal?: AbortSignal): Promise<void> {
  const temporary = join(cache, `.unpack-${randomUUID()}`);
  try {
    await runCommand(['dpkg-deb', '-x', deb, temporary], { deadlineMs: 120_000, signal });
    await rename(temporary, directoryOf(cache, item));
  } catch (error) {
    // Somebody else was faster with the same content.
    if (!existsSync(directoryOf(cache, item))) throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function fetchMissing(
  apt: AptSession,
  cache: string,
  packages: readonly PackageIdentity[],
  options: FetchOptions,
): Promise<void> {
  const missing = packages.filter((item) => !existsSync(directoryOf(cache, item)));
  options.onProgress?.(`fetching Debian packages: ${missing.map((item) => `${item.name} ${item.version}`).join(', ')}`);
  const debs = await apt.download(missing);
  for (const [index, item] of missing.entries()) await unpack(cache, item, debs[index] as string, options.signal);
}

/** Whether apt's sources still offer exactly these files. */
async function allOffered(apt: AptSession, packages: readonly PackageIdentity[]): Promise<boolean> {
  for (const item of packages) {
    const stanza = await apt.describe(item.name, item.version);
    if (stanza === undefined || identityOf(stanza).sha256 !== item.sha256) return false;
  }
  return true;
}

/** The packages that replaced a locked set the last time, so that a machine stays with them and works offline. */
async function readSubstitute(file: string): Promise<PackageIdentity[] | undefined> {
  try {
    return identities.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/**
 * Provides a set of Debian packages, unpacked, without root. The versions in `packages.lock.json` are used; when the apt
 * sources no longer offer one of them, the whole set is taken at its current versions, which `notices` and `locked` say.
 * With everything in the cache no network is needed. Safe to call from several processes at once.
 * @throws DebianFetchError offline with an incomplete cache, without apt, or with sources that are not Debian's
 */
export async function fetchPackageSet(set: PackageSetName, options: FetchOptions = {}): Promise<FetchedPackages> {
  const cache = options.cacheDirectory ?? packageCacheDirectory;
  const locked = options.locked ?? (await readPackageLock()).sets[set];
  const lockedSums = new Set(locked.map((item) => item.sha256));
  const finish = (packages: readonly PackageIdentity[]): FetchedPackages => ({
    packages: packages.map((item) => ({
      ...item,
      directory: directoryOf(cache, item),
      locked: lockedSums.has(item.sha256),
    })),
    notices: packages
      .filter((item) => !lockedSums.has(item.sha256))
      .map((item) => {
        const version = locked.find((other) => other.name === item.name)?.version;
        return `Debian package ${item.name}: ${version === undefined ? 'replaces a locked one' : `locked version ${version} is no longer offered`}, using ${item.version}`;
      }),
  });
  if (allCached(cache, locked)) return finish(locked);

  const substituteFile = join(
    cache,
    `substitute-${set}-${locked.map((item) => item.sha256.slice(0, 4)).join('')}.json`,
  );
  const substitute = await readSubstitute(substituteFile);
  if (substitute !== undefined && allCached(cache, substitute)) return finish(substitute);

  options.onProgress?.("reading Debian's package indexes");
  await using apt = await AptSession.open(cache, options.signal);
  if (await allOffered(apt, locked)) {
    await fetchMissing(apt, cache, locked, options);
    return finish(locked);
  }
  const current = await resolveSet(apt, set);
  await fetchMissing(apt, cache, current, options);
  await mkdir(cache, { recursive: true });
  const temporary = `${substituteFile}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(current));
  await rename(temporary, substituteFile);
  return finish(current);
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
