import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AptSession, identityOf, type PackageIdentity } from './apt-session.ts';
import { readPackageLock, resolvedPackage } from './lock.ts';
import {
  allCached,
  type CacheOptions,
  fetchMissing,
  packageCacheDirectory,
  type UnpackedPackage,
  unpackedDirectory,
} from './package-cache.ts';
import { type PackageSetName, resolveSet } from './package-sets.ts';
import { closureOf, type ResolvedPackage, resolveDependencies } from './resolve.ts';

/** Packages, ready to use. */
export interface FetchedPackages<Package extends PackageIdentity = PackageIdentity> {
  readonly packages: readonly (Package & UnpackedPackage)[];
  /** Lines for the user, when something is not as locked. */
  readonly notices: readonly string[];
}

/** How to fetch. */
export interface FetchOptions<Package extends PackageIdentity = PackageIdentity> extends CacheOptions {
  readonly cacheDirectory?: string;
  /** The locked packages; default: `packages.lock.json`. */
  readonly locked?: readonly Package[];
}

/** What is asked for: a name for it, the locked packages it consists of if they are known, and how to find others. */
interface Demand<Package extends PackageIdentity> {
  readonly name: string;
  readonly locked: readonly Package[] | undefined;
  readonly schema: z.ZodType<Package>;
  resolve(apt: AptSession): Promise<Package[]>;
}

/** Whether apt's sources still offer exactly these files. */
async function allOffered(apt: AptSession, packages: readonly PackageIdentity[]): Promise<boolean> {
  for (const item of packages) {
    const stanza = await apt.describe(item.name, item.version);
    if (stanza === undefined || identityOf(stanza).sha256 !== item.sha256) return false;
  }
  return true;
}

/** What was taken instead of locked packages the last time, so that a machine stays with it and works offline. */
async function readSubstitute<Package>(file: string, schema: z.ZodType<Package>): Promise<Package[] | undefined> {
  try {
    return z.array(schema).parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

async function provide<Package extends PackageIdentity>(
  { name, locked, schema, resolve }: Demand<Package>,
  cache: string,
  options: CacheOptions,
): Promise<readonly Package[]> {
  if (locked !== undefined && allCached(cache, locked)) return locked;
  const key = createHash('sha256').update(`${name}\n`);
  for (const item of locked ?? []) key.update(`${item.sha256}\n`);
  const substituteFile = join(cache, `substitute-${key.digest('hex').slice(0, 16)}.json`);
  const substitute = await readSubstitute(substituteFile, schema);
  if (substitute !== undefined && allCached(cache, substitute)) return substitute;

  options.onProgress?.("reading Debian's package indexes");
  await using apt = await AptSession.open(cache, options.signal);
  if (locked !== undefined && (await allOffered(apt, locked))) {
    await fetchMissing(apt, cache, locked, options);
    return locked;
  }
  const current = await resolve(apt);
  await fetchMissing(apt, cache, current, options);
  await mkdir(cache, { recursive: true });
  const temporary = `${substituteFile}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(current));
  await rename(temporary, substituteFile);
  return current;
}

function finish<Package extends PackageIdentity>(
  cache: string,
  packages: readonly Package[],
  locked: readonly PackageIdentity[],
): FetchedPackages<Package> {
  const sums = new Set(locked.map((item) => item.sha256));
  const versions = new Map(locked.map((item) => [item.name, item.version]));
  const notices: string[] = [];
  const unknown: string[] = [];
  for (const item of packages.filter((other) => !sums.has(other.sha256))) {
    const version = versions.get(item.name);
    if (version === undefined) unknown.push(`${item.name} ${item.version}`);
    else
      notices.push(
        `Debian package ${item.name}: locked version ${version} is no longer offered, using ${item.version}`,
      );
  }
  if (unknown.length > 0) notices.push(`Debian packages that are not locked, as offered now: ${unknown.join(', ')}`);
  return {
    packages: packages.map((item) => ({
      ...item,
      directory: unpackedDirectory(cache, item),
      locked: sums.has(item.sha256),
    })),
    notices,
  };
}

const identity: z.ZodType<PackageIdentity> = resolvedPackage.omit({ source: true, depends: true });

/**
 * Provides a set of Debian packages, unpacked, without root. The versions in `packages.lock.json` are used; when the apt
 * sources no longer offer one of them, the whole set is taken at its current versions, which `notices` and `locked` say.
 * With everything in the cache no network is needed. Safe to call from several processes at once.
 * @throws DebianFetchError offline with an incomplete cache, without apt, or with sources that are not Debian's
 */
export async function fetchPackageSet(set: PackageSetName, options: FetchOptions = {}): Promise<FetchedPackages> {
  const cache = options.cacheDirectory ?? packageCacheDirectory;
  const locked = options.locked ?? (await readPackageLock()).sets[set];
  const demand = { name: set, locked, schema: identity, resolve: (apt: AptSession) => resolveSet(apt, set) };
  return finish(cache, await provide(demand, cache, options), locked);
}

/**
 * Provides the packages of an image: those named and all they depend on, unpacked. As {@link fetchPackageSet}; packages
 * that are not in `packages.lock.json` are taken as the apt sources offer them.
 * @throws DebianFetchError also for a package that does not exist
 */
export async function fetchImagePackages(
  names: readonly string[],
  options: FetchOptions<ResolvedPackage> = {},
): Promise<FetchedPackages<ResolvedPackage>> {
  const cache = options.cacheDirectory ?? packageCacheDirectory;
  const all = options.locked ?? (await readPackageLock()).images;
  const roots = [...new Set(names)].sort();
  const demand = {
    name: `image ${roots.join(' ')}`,
    locked: closureOf(all, roots),
    schema: resolvedPackage,
    resolve: async (apt: AptSession) => resolveDependencies(await apt.index(), roots),
  };
  return finish(cache, await provide(demand, cache, options), all);
}
