/** Pins the packages that the machine's apt sources offer now: `npm run lock`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AptSession } from './apt-session.ts';
import { type PackageLock, packageLockFile } from './lock.ts';
import { readMaintainerScript } from './maintainer-script.ts';
import { fetchMissing, packageCacheDirectory, unpackedDirectory } from './package-cache.ts';
import { IMAGE_PACKAGES, resolveSet } from './package-sets.ts';
import { type ResolvedPackage, resolveDependencies } from './resolve.ts';

const onProgress = (line: string) => console.log(line);

const FOLDERS = ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'usr/games'];

/** Names of the programs a package has, those included that update-alternatives would link to them. */
function programsOf(item: ResolvedPackage): string[] {
  const directory = unpackedDirectory(packageCacheDirectory, item);
  const own = FOLDERS.map((folder) => join(directory, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder));
  const script = join(directory, 'DEBIAN/postinst');
  const { alternatives } = readMaintainerScript(existsSync(script) ? readFileSync(script, 'utf8') : '');
  const linked = alternatives
    .map(({ link }) => link)
    .filter((link) => FOLDERS.includes(dirname(link).slice(1)))
    .map((link) => basename(link));
  return [...new Set([...own, ...linked])].sort();
}

await using apt = await AptSession.open(packageCacheDirectory);
const sets = { kernel: await resolveSet(apt, 'kernel'), memcached: await resolveSet(apt, 'memcached') };
const resolved = resolveDependencies(await apt.index(), IMAGE_PACKAGES);
await fetchMissing(apt, packageCacheDirectory, resolved, { onProgress });
const images = resolved.map((item) => ({ ...item, programs: programsOf(item) }));
const lock: PackageLock = { schema: 2, sets, images };
const file = fileURLToPath(packageLockFile);
await writeFile(`${file}.new`, `${JSON.stringify(lock, null, 2)}\n`);
await rename(`${file}.new`, file);
const all = new Map([...sets.kernel, ...sets.memcached, ...images].map((item) => [item.name, item.version]));
for (const [name, version] of [...all].sort()) console.log(`${name} ${version}`);
console.log(`${all.size} packages are locked in ${file}`);
