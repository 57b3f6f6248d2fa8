import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { readMaintainerScript, resolveAlternatives } from '../debian/maintainer-script.ts';
import type { UnpackedPackage } from '../debian/package-cache.ts';
import type { ResolvedPackage } from '../debian/resolve.ts';
import { encodeSiteList, SITE_FOLDER, siteListOf } from '../sites/site-list.ts';
import type { CpioEntry } from './cpio.ts';
import { groupFiles, mergedPath, mergeFiles, type PackageFile, packageFiles } from './file-tree.ts';
import { leftOutKind } from './left-out.ts';
import { isProgram, neededPackages } from './needs.ts';
import type { ImageReport } from './report.ts';
import { systemEntries } from './system-files.ts';

/** What an image contains, and what there is to say about it. */
export interface Contents {
  readonly entries: readonly CpioEntry[];
  readonly report: Omit<ImageReport, 'sha256'>;
}

function total(files: readonly PackageFile[]) {
  return {
    files: files.length,
    bytes: files.reduce((sum, file) => sum + (file.kind === 'file' ? file.size : 0), 0),
  };
}

/** The links of all packages' update-alternatives, and what else their scripts would do. */
function readScripts(packages: readonly UnpackedPackage[], exists: (path: string) => boolean) {
  const readings = packages.map((item) => {
    const script = join(item.directory, 'DEBIAN/postinst');
    return { name: item.name, ...readMaintainerScript(existsSync(script) ? readFileSync(script, 'utf8') : '') };
  });
  return {
    links: resolveAlternatives(
      readings.flatMap(({ alternatives }) => alternatives),
      (path) => exists(mergedPath(path)),
    ),
    notDone: Object.fromEntries(
      readings.filter(({ notDone }) => notDone.length > 0).map(({ name, notDone }) => [name, [...notDone]]),
    ),
  };
}

function entryOf(file: PackageFile): CpioEntry {
  const { path } = file;
  if (file.kind === 'directory') return { path, kind: 'directory', mode: 0o755 };
  if (file.kind === 'symlink') return { path, kind: 'symlink', target: file.target };
  return {
    path,
    kind: 'file',
    mode: file.executable ? 0o755 : 0o644,
    data: readFileSync(file.source),
    time: file.time,
  };
}

/** The lists of system call sites of all programs and libraries. */
async function siteLists(files: readonly PackageFile[]) {
  const entries = new Map<string, CpioEntry>();
  const found: ImageReport['systemCalls'] = [];
  for (const file of files) {
    if (file.kind !== 'file' || !(file.executable || /\.so(\.|$)/.test(file.path))) continue;
    const list = await siteListOf(file.source, readFileSync(file.source));
    if (list === undefined) continue;
    const { sites, refused } = list.search;
    const path = `${SITE_FOLDER}/${list.buildId}`;
    if (sites.length > 0) entries.set(path, { path, kind: 'file', mode: 0o644, data: encodeSiteList(sites) });
    found.push({
      path: `/${file.path}`,
      buildId: list.buildId,
      sites: sites.length,
      refused: refused.map(({ address, reason }) => `${address.toString(16)}: ${reason}`),
    });
  }
  return { entries: [...entries.values()], found };
}

/** Takes links of update-alternatives for files of the package that they lead to. */
function addAlternatives(tree: Map<string, PackageFile>, links: ReadonlyMap<string, string>): void {
  for (const [link, target] of links) {
    const owner = tree.get(mergedPath(target))?.owner;
    const path = mergedPath(link);
    if (owner !== undefined && !tree.has(path)) tree.set(path, { path, owner, kind: 'symlink', target });
  }
}

/** Decides what an image of unpacked packages contains. */
export async function contentsOf(
  packages: readonly (ResolvedPackage & UnpackedPackage)[],
  roots: readonly string[],
): Promise<Contents> {
  const lists = packages.map((item) => packageFiles(item));
  const all = lists.flat().filter((file) => file.kind !== 'directory');
  const kept = lists.map((list) =>
    list.filter((file) => leftOutKind(`${file.path}/`) === undefined && leftOutKind(file.path) === undefined),
  );
  const tree = mergeFiles(kept);
  const packaged = [...tree.values()];
  addAlternatives(tree, readScripts(packages, (path) => tree.has(path)).links);
  const needs = neededPackages(packages, roots, tree);
  // A directory without files is kept when a package of the image has it: programs may expect it.
  const files = packaged.filter((file) => needs.used.has(file.owner));
  const paths = new Set(files.map((file) => file.path));
  const leftOut = groupFiles(
    all.filter((file) => needs.used.has(file.owner)),
    (file) => leftOutKind(file.path),
  );
  const inImage = packages.filter((item) => needs.used.has(item.name));
  const scripts = readScripts(inImage, (path) => paths.has(path));
  const entries = new Map(systemEntries().map((entry) => [entry.path, entry]));
  for (const file of files)
    if (!(file.kind === 'directory' && entries.has(file.path))) entries.set(file.path, entryOf(file));
  for (const [link, target] of scripts.links) {
    const path = mergedPath(link);
    entries.set(path, { path, kind: 'symlink', target });
  }
  const calls = await siteLists(files);
  for (const entry of calls.entries) entries.set(entry.path, entry);
  const names = [...entries.keys()].filter(isProgram).map((path) => posix.basename(path));
  return {
    entries: [...entries.values()],
    report: {
      packages: inImage.map(({ name, version }) => `${name} ${version}`),
      packagesLeftOut: packages.filter((item) => !needs.used.has(item.name)).map(({ name }) => name),
      filesLeftOut: Object.fromEntries(
        [...leftOut].flatMap(([kind, list]) => (kind === undefined ? [] : [[kind, total(list)] as const])).sort(),
      ),
      alternatives: Object.fromEntries([...scripts.links].sort()),
      scriptsNotRun: scripts.notDone,
      missing: needs.missing.map(({ path, needs: name }) => ({ path: `/${path}`, needs: name })),
      systemCalls: calls.found,
      programs: [...new Set(names)].sort(),
      contents: total(files),
    },
  };
}
