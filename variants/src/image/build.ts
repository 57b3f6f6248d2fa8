import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchImagePackages } from '../debian/fetch.ts';
import type { CacheOptions, PackageProvenance } from '../debian/package-cache.ts';
import { UserError } from '../errors.ts';
import { removeStaleDirectories } from '../process/temporary-directories.ts';
import { elfContainer } from './container.ts';
import { type Contents, contentsOf } from './contents.ts';
import { type CpioEntry, writeCpio } from './cpio.ts';
import { type ImageReport, imageReport } from './report.ts';
import { IMAGE_TIME } from './system-files.ts';

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
  /** Where unpacked packages are kept; default `build/cache/debian`. */
  readonly cacheDirectory?: string;
}

const defaultDirectory = fileURLToPath(new URL('../../../build/images', import.meta.url));

/** Images that nothing has asked for in so long are removed when another is built. */
const IMAGE_LIFE_MS = 14 * 24 * 3_600_000;

/** Change it when the same packages give another image, so that cached ones are not mistaken for new ones. */
const LAYOUT = 7;

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
    const archive = writeCpio(contents.entries, { alignPages: true, time: IMAGE_TIME });
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
