/** Pins the packages that the machine's apt sources prefer now: `node --import tsx bench/src/debian/update-lock.ts`. */
import { rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AptSession } from './apt-session.ts';
import { packageCacheDirectory } from './fetch.ts';
import { type PackageLock, packageLockFile } from './lock.ts';
import { resolveSet } from './package-sets.ts';

await using apt = await AptSession.open(packageCacheDirectory);
const lock: PackageLock = {
  schema: 1,
  sets: { kernel: await resolveSet(apt, 'kernel'), memcached: await resolveSet(apt, 'memcached') },
};
const file = fileURLToPath(packageLockFile);
await writeFile(`${file}.new`, `${JSON.stringify(lock, null, 2)}\n`);
await rename(`${file}.new`, file);
for (const item of [...lock.sets.kernel, ...lock.sets.memcached]) console.log(`${item.name} ${item.version}`);
