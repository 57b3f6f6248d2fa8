import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { fetchImagePackages } from '../debian/fetch.ts';
import { readMaintainerScript, resolveAlternatives } from '../debian/maintainer-script.ts';
import type { CacheOptions, PackageProvenance, UnpackedPackage } from '../debian/package-cache.ts';
import type { ResolvedPackage } from '../debian/resolve.ts';
import { UserError } from '../errors.ts';
import { removeStaleDirectories } from '../process/temporary-directories.ts';
import { encodeSiteList, SITE_FOLDER, siteListOf } from '../sites/site-list.ts';
import { elfContainer } from './container.ts';
import { type CpioEntry, writeCpio } from './cpio.ts';
import { groupFiles, mergedPath, mergeFiles, type PackageFile, packageFiles } from './file-tree.ts';
import { leftOutKind } from './left-out.ts';
import { isProgram, neededPackages } from './needs.ts';
import { systemEntries } from './system-files.ts';

const count = z.object({ files: z.int(), bytes: z.int() });

/** What an image's builder has to say: what is missing in it compared with an installed system. */
export const imageReport = z.object({
  /** Packages in the image, `name version`. */
  packages: z.array(z.string()),
  /** Dependencies that are not in the image, because nothing in it names their programs. */
  packagesLeftOut: z.array(z.string()),
  /** Files left out, by kind. */
  filesLeftOut: z.record(z.string(), count),
  /** Links that update-alternatives would have made; they are in the image. */
  alternatives: z.record(z.string(), z.string()),
  /** What else the packages' installation scripts would have done, by package; the image goes without. */
  scriptsNotRun: z.record(z.string(), z.array(z.string())),
  /** Files whose library or interpreter is in no package of the image. */
  missing: z.array(z.object({ path: z.string(), needs: z.string() })),
  /** Objects with `syscall` instructions: how many the kernel can replace by jumps, and why not the others. */
  systemCalls: z.array(
    z.object({ path: z.string(), buildId: z.string(), sites: z.int(), refused: z.array(z.string()) }),
  ),
  /** Names of the programs in the image. */
  programs: z.array(z.string()),
  contents: count,
  /** SHA-256 of the archive. */
  sha256: z.string(),
});
export type ImageReport = z.infer<typeof imageReport>;

/** An image of programs that can be booted: a cpio archive, to the byte the same for the same packages. */
export interface ProgramImage {
  /** Path of the archive ("newc", data of a page and more on page boundaries). */
  readonly file: string;
  readonly bytes: number;
  /** The same archive as an ELF file that QEMU loads at IMAGE_ADDRESS. */
  readonly container: string;
  /** Path of the report, beside the archive; the list of contents is `contents.txt` there. */
  readonly reportFile: string;
  readonly report: ImageReport;
  readonly packages: readonly PackageProvenance[];
  /** Lines the user should see, for example that a locked version was gone. */
  readonly notices: readonly string[];
}

export interface ImageOptions extends CacheOptions {
  /** Where images are kept; default `build/images`. */
  readonly imageDirectory?: string;
}

const defaultDirectory = fileURLToPath(new URL('../../../build/images', import.meta.url));

/** Images that nothing has asked for in so long are removed when another is built. */
const IMAGE_LIFE_MS = 14 * 24 * 3_600_000;

/** Change it when the same packages give another image, so that cached ones are not mistaken for new ones. */
const LAYOUT = 4;

interface Contents {
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
  return { path, kind: 'file', mode: file.executable ? 0o755 : 0o644, data: readFileSync(file.source) };
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

/** Decides what an image of unpacked packages contains. */
async function contentsOf(
  packages: readonly (ResolvedPackage & UnpackedPackage)[],
  roots: readonly string[],
): Promise<Contents> {
  const lists = packages.map((item) => packageFiles(item));
  const all = lists.flat().filter((file) => file.kind !== 'directory');
  const byKind = groupFiles(all, (file) => leftOutKind(file.path));
  const kept = lists.map((list) =>
    list.filter((file) => leftOutKind(`${file.path}/`) === undefined && leftOutKind(file.path) === undefined),
  );
  const tree = mergeFiles(kept);
  const needs = neededPackages(packages, roots, tree);
  const files = [...tree.values()].filter((file) => needs.used.has(file.owner));
  // A directory without files is kept when a package of the image has it: programs may expect it.
  const paths = new Set(files.map((file) => file.path));
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
        [...byKind].flatMap(([kind, list]) => (kind === undefined ? [] : [[kind, total(list)] as const])).sort(),
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

/** The archive's index, for people: type, size and path of each entry. */
function listing(entries: readonly CpioEntry[]): string {
  const lines = entries.map((entry) => {
    const size = entry.kind === 'file' ? entry.data.length : 0;
    const target = entry.kind === 'symlink' ? ` -> ${entry.target}` : '';
    return `${entry.kind.padEnd(9)} ${String(size).padStart(9)} /${entry.path}${target}`;
  });
  return `${lines.sort((a, b) => (a.slice(20) < b.slice(20) ? -1 : 1)).join('\n')}\n`;
}

async function removeOldImages(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    if (!/^programs-\w+$/.test(name)) continue;
    // Another process may remove it at the same time.
    const used = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    );
    if (Date.now() - used > IMAGE_LIFE_MS) await rm(path, { recursive: true, force: true });
  }
}

async function write(directory: string, contents: Contents): Promise<void> {
  const temporary = `${directory}.${randomUUID()}`;
  await mkdir(temporary, { recursive: true });
  await removeStaleDirectories(dirname(directory), /^programs-\w+\./);
  await removeOldImages(dirname(directory));
  try {
    const archive = writeCpio(contents.entries, { alignPages: true });
    const sha256 = createHash('sha256').update(archive).digest('hex');
    await writeFile(join(temporary, 'image.cpio'), archive);
    await writeFile(join(temporary, 'image.elf'), elfContainer(archive));
    await writeFile(join(temporary, 'contents.txt'), listing(contents.entries));
    await writeFile(
      join(temporary, 'report.json'),
      `${JSON.stringify({ ...contents.report, sha256 }, undefined, 2)}\n`,
    );
    await rename(temporary, directory);
  } catch (error) {
    // Another process has built the same image meanwhile.
    if (!existsSync(directory)) throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Builds an image of Debian packages and all they need, without root; what it leaves out is in its report. Packages are
 * fetched (cached) and images kept by content, so that the same packages are built once. Safe to call from several
 * processes at once.
 *
 * @param names the packages that are asked for
 * @throws DebianFetchError for a package that does not exist, and offline with an incomplete cache
 * @throws UserError when packages exclude each other
 */
export async function buildProgramImage(names: readonly string[], options: ImageOptions = {}): Promise<ProgramImage> {
  if (names.length === 0) throw new UserError('an image needs at least one Debian package.', 64);
  const bad = names.find((name) => !/^[a-z0-9][a-z0-9.+-]*$/.test(name));
  if (bad !== undefined) {
    throw new UserError(
      `"${bad}" is not the name of a Debian package: lower-case letters, digits and . + - (such as python3).`,
      64,
    );
  }
  const roots = [...new Set(names)].sort();
  const fetched = await fetchImagePackages(roots, options);
  const hash = createHash('sha256').update(`${LAYOUT}\n${roots.join(' ')}\n`);
  for (const item of fetched.packages) hash.update(`${item.name} ${item.sha256}\n`);
  const directory = join(options.imageDirectory ?? defaultDirectory, `programs-${hash.digest('hex').slice(0, 16)}`);
  if (!existsSync(directory)) {
    options.onProgress?.(`building an image of ${roots.join(', ')}`);
    await write(directory, await contentsOf(fetched.packages, roots));
  }
  const now = new Date();
  await utimes(directory, now, now);
  const reportFile = join(directory, 'report.json');
  const file = join(directory, 'image.cpio');
  return {
    file,
    bytes: (await stat(file)).size,
    container: join(directory, 'image.elf'),
    reportFile,
    report: imageReport.parse(JSON.parse(await readFile(reportFile, 'utf8'))),
    packages: fetched.packages.map(({ name, version, architecture, sha256, locked }) => ({
      ...{ name, version, architecture, sha256, locked },
    })),
    notices: fetched.notices,
  };
}
