import { DebianFetchError, identityOf, type PackageIdentity } from './apt-session.ts';
import type { PackageIndex } from './package-index.ts';
import { dependencyClauses } from './stanza.ts';

/** A package with what an image needs to know of it. */
export interface ResolvedPackage extends PackageIdentity {
  /** The source package it was built from. */
  readonly source: string;
  /** The packages it depends on that were followed, by name and sorted. */
  readonly depends: string[];
}

/**
 * Packages that only serve installation and service management: nothing of that happens in an image. A dependency on one
 * of them is not followed; naming it as a package of the image takes it in.
 */
export const MAINTENANCE_PACKAGES: ReadonlySet<string> = new Set([
  ...['adduser', 'cdebconf', 'debconf', 'debconf-2.0', 'debianutils', 'dpkg', 'init-system-helpers', 'install-info'],
  ...['lsb-base', 'sysvinit-utils', 'systemd', 'systemd-sysv', 'ucf', 'update-inetd'],
]);

/** The package that fulfils a clause: one that is there already, else the first alternative that is offered. */
function choose(index: PackageIndex, alternatives: readonly string[], found: ReadonlyMap<string, unknown>) {
  const offered = (name: string) => (index.candidate(name) === undefined ? index.providers(name) : [name]);
  const names = alternatives.flatMap(offered);
  return names.find((name) => found.has(name)) ?? names[0];
}

/**
 * All packages that these need to run, themselves included, by the `Depends` and `Pre-Depends` of the index and sorted by
 * name. Dependencies on {@link MAINTENANCE_PACKAGES} are not followed.
 * @throws DebianFetchError for a package that is not offered, or a dependency that no package fulfils
 */
export function resolveDependencies(index: PackageIndex, roots: readonly string[]): ResolvedPackage[] {
  const found = new Map<string, ResolvedPackage | undefined>();
  const queue: string[] = [];
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.set(name, undefined);
    queue.push(name);
  };
  for (const root of roots) {
    if (index.candidate(root) === undefined) throw unknownPackage(index, root);
    visit(root);
  }
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const stanza = index.candidate(name);
    if (stanza === undefined) throw unknownPackage(index, name);
    const depends = new Set<string>();
    for (const alternatives of dependencyClauses(stanza)) {
      if (alternatives.some((other) => MAINTENANCE_PACKAGES.has(other))) continue;
      const chosen = choose(index, alternatives, found);
      if (chosen === undefined) {
        throw new DebianFetchError(
          `package ${name} depends on ${alternatives.join(' | ')}, which this machine's apt sources do not offer.`,
        );
      }
      depends.add(chosen);
      visit(chosen);
    }
    const source = stanza.get('source')?.split(' ')[0] ?? name;
    found.set(name, { ...identityOf(stanza), source, depends: [...depends].sort() });
  }
  return [...found.values()].filter((item) => item !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function unknownPackage(index: PackageIndex, name: string): DebianFetchError {
  const providers = index.providers(name);
  const hint = providers.length > 0 ? providers : index.similar(name);
  return new DebianFetchError(
    `no Debian package "${name}" in this machine's apt sources${hint.length > 0 ? `; there is ${hint.join(', ')}` : ''}.`,
  );
}

/**
 * The part of resolved packages that some of them need, themselves included, sorted by name.
 * @returns undefined when one of the roots is not among the packages
 */
export function closureOf(
  packages: readonly ResolvedPackage[],
  roots: readonly string[],
): ResolvedPackage[] | undefined {
  const byName = new Map(packages.map((item) => [item.name, item]));
  const found = new Set<ResolvedPackage>();
  const queue = [...roots];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const item = byName.get(name);
    if (item === undefined) return undefined;
    if (found.has(item)) continue;
    found.add(item);
    queue.push(...item.depends);
  }
  return [...found].sort((a, b) => (a.name < b.name ? -1 : 1));
}
