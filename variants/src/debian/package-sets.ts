import { type AptSession, DebianFetchError, identityOf, type PackageIdentity } from './apt-session.ts';
import { dependencyClauses, type Stanza } from './stanza.ts';

/** The groups of packages that the Linux subjects are made of. */
export type PackageSetName = 'kernel' | 'memcached';
export const PACKAGE_SETS: readonly PackageSetName[] = ['kernel', 'memcached'];

async function candidate(apt: AptSession, name: string): Promise<Stanza> {
  const stanza = await apt.describe(name);
  if (stanza !== undefined) return stanza;
  throw new DebianFetchError(
    `this machine's apt sources do not offer the package ${name}. The Linux subjects need the sources of a Debian release (main, amd64).`,
  );
}

/** The kernel image that the metapackage of Debian's cloud kernel stands for. */
async function resolveKernel(apt: AptSession): Promise<PackageIdentity[]> {
  const meta = await candidate(apt, 'linux-image-cloud-amd64');
  const image = dependencyClauses(meta)
    .flat()
    .find((name) => /^linux-image-.*-cloud-amd64$/.test(name));
  if (image === undefined) throw new DebianFetchError('linux-image-cloud-amd64 depends on no kernel image');
  return [identityOf(await candidate(apt, image))];
}

/**
 * A program and the shared libraries it needs: dependencies are followed only into Debian's section `libs`, because scripts,
 * users and the package manager are not needed to run the binary.
 */
async function resolveProgram(apt: AptSession, program: string): Promise<PackageIdentity[]> {
  const root = await candidate(apt, program);
  const found = new Map<string, PackageIdentity>([[program, identityOf(root)]]);
  const queue = [root];
  for (let stanza = queue.shift(); stanza !== undefined; stanza = queue.shift()) {
    for (const alternatives of dependencyClauses(stanza)) {
      if (alternatives.some((name) => found.has(name))) continue;
      for (const name of alternatives) {
        const dependency = await apt.describe(name);
        if (dependency === undefined) continue;
        if (dependency.get('section')?.split('/').at(-1) === 'libs') {
          found.set(name, identityOf(dependency));
          queue.push(dependency);
        }
        break;
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What images of programs are made of in tests and measurements; their packages and all these depend on are locked. */
export const IMAGE_PACKAGES: readonly string[] = [
  ...['coreutils', 'dash', 'iperf3', 'libc6', 'libpython3.11-testsuite', 'lua5.4', 'memcached', 'nginx', 'openssl'],
  ...['perl', 'python3', 'redis-server', 'rt-tests', 'ruby', 'sqlite3', 'sysbench'],
];

/** Resolves a set to the versions that the machine's apt sources prefer now. */
export function resolveSet(apt: AptSession, set: PackageSetName): Promise<PackageIdentity[]> {
  return set === 'kernel' ? resolveKernel(apt) : resolveProgram(apt, 'memcached');
}
