import { packagedFile, type UnpackedPackage } from '@plumbline/variants';
import { BenchError } from '../errors.ts';
import { runCommand } from '../process/command.ts';

/** Where Debian's amd64 loader looks for libraries without configuration. */
const LIBRARY_DIRECTORIES = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64'];
/** The loader that amd64 programs name. */
export const PROGRAM_LOADER = '/lib64/ld-linux-x86-64.so.2';

/** A library as the loader finds it. */
export interface SharedLibrary {
  /** Name that programs ask for (DT_NEEDED). */
  readonly name: string;
  /** Path of its contents, below a package's directory. */
  readonly file: string;
}

/** Names of the libraries that an ELF file needs itself. */
async function neededBy(file: string): Promise<string[]> {
  const listing = await runCommand(['readelf', '-d', '-W', file], { deadlineMs: 30_000 });
  return [...listing.matchAll(/\(NEEDED\)\s+Shared library: \[([^\]]+)\]/g)].map((match) => match[1] ?? '');
}

function findLibrary(packages: readonly UnpackedPackage[], name: string): string {
  for (const directory of LIBRARY_DIRECTORIES) {
    try {
      return packagedFile(packages, `${directory}/${name}`);
    } catch {
      // The next directory, or the error below.
    }
  }
  throw new BenchError(`library ${name} is in none of ${packages.map((item) => item.name).join(', ')}`);
}

/** All libraries that a program needs, directly and through others, sorted by name. Needs binutils' `readelf`. */
export async function sharedLibraries(packages: readonly UnpackedPackage[], program: string): Promise<SharedLibrary[]> {
  const found = new Map<string, SharedLibrary>();
  const queue = await neededBy(program);
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (found.has(name)) continue;
    const file = findLibrary(packages, name);
    found.set(name, { name, file });
    queue.push(...(await neededBy(file)));
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
