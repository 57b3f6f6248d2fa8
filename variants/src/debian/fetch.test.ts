import { existsSync, lstatSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DebianFetchError, type PackageIdentity } from './apt-session.ts';
import { fetchImagePackages, fetchPackageSet } from './fetch.ts';
import { readPackageLock } from './lock.ts';
import { packagedFile } from './package-cache.ts';

/** A small package of the locked set, so that the tests fetch kilobytes. */
let small: PackageIdentity;
let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'plumbline-debian-'));
  const found = (await readPackageLock()).sets.memcached.find((item) => item.name === 'memcached');
  if (found === undefined) throw new Error('memcached is not locked');
  small = found;
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rm(cache, { recursive: true, force: true }));

/** Makes every download of apt fail: nothing listens on the discard port. */
function goOffline(): void {
  for (const name of ['http_proxy', 'https_proxy']) vi.stubEnv(name, 'http://127.0.0.1:9');
}

describe('fetchPackageSet, from the apt sources of this machine', () => {
  it('fails offline with the next step in the message, and leaves nothing behind', async () => {
    goOffline();
    const attempt = fetchPackageSet('memcached', { cacheDirectory: cache, locked: [small] });
    await expect(attempt).rejects.toThrow(DebianFetchError);
    await expect(attempt).rejects.toThrow(/Check the network/);
    expect(await readdir(cache)).toEqual([]);
  });

  it('fetches for two callers at once, then works offline', async () => {
    const options = { cacheDirectory: cache, locked: [small] };
    const both = await Promise.all([fetchPackageSet('memcached', options), fetchPackageSet('memcached', options)]);
    goOffline();
    for (const result of [...both, await fetchPackageSet('memcached', options)]) {
      expect(result.notices).toEqual([]);
      expect(result.packages.map(({ version, locked }) => [version, locked])).toEqual([[small.version, true]]);
      expect(existsSync(packagedFile(result.packages, '/usr/bin/memcached'))).toBe(true);
    }
    expect(() => packagedFile(both[0].packages, '/bin/other')).toThrow(/no file \/bin\/other in memcached/);
    expect((await readdir(cache)).length).toBe(1);
  });

  it('takes the current versions when a locked one is gone, says so, and stays with them', async () => {
    const gone = { ...small, version: '1.0.0-1', sha256: '0'.repeat(64) };
    const options = { cacheDirectory: cache, locked: [gone] };
    const result = await fetchPackageSet('memcached', options);
    const memcached = result.packages.find((item) => item.name === 'memcached');
    expect(memcached?.locked).toBe(false);
    expect(result.notices.join('\n')).toMatch(/memcached: locked version 1\.0\.0-1 is no longer offered, using 1\./);
    // An absolute link in the package: it must not lead to this machine's own loader.
    const loader = packagedFile(result.packages, '/lib64/ld-linux-x86-64.so.2');
    expect(loader.startsWith(cache)).toBe(true);
    expect(lstatSync(loader).isFile()).toBe(true);
    goOffline();
    expect(await fetchPackageSet('memcached', options)).toEqual(result);
  });
});

describe('fetchImagePackages', () => {
  it('takes all packages of an image as offered now when a locked one is gone, and stays with them', async () => {
    const gone = {
      ...{ name: 'libacl1', version: '0.1', architecture: 'amd64', sha256: '0'.repeat(64) },
      ...{ source: 'acl', depends: [] },
    };
    const options = { cacheDirectory: cache, locked: [gone] };
    const result = await fetchImagePackages(['libacl1'], options);
    expect(result.notices[0]).toMatch(/libacl1: locked version 0\.1 is no longer offered, using 2/);
    expect(result.notices[1]).toMatch(/that are not locked, as offered now: .*libc6 /);
    expect(result.notices).toHaveLength(2);
    expect(result.packages.every(({ locked }) => !locked)).toBe(true);
    goOffline();
    expect(await fetchImagePackages(['libacl1'], options)).toEqual(result);
  });
});

describe('readPackageLock', () => {
  it('names the file and the field that is wrong', async () => {
    const file = join(cache, 'bad.json');
    await writeFile(file, '{"schema":2,"images":[],"sets":{"kernel":[],"memcached":[{"name":"memcached"}]}}');
    await expect(readPackageLock(pathToFileURL(file))).rejects.toThrow(
      /bad\.json:[\s\S]*sets\.memcached\[0\]\.version/,
    );
  });
});
