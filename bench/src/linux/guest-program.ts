import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { type CpioEntry, packagedFile, type UnpackedPackage, writeCpio } from '@plumbline/variants';
import { PROGRAM_LOADER, sharedLibraries } from './shared-libraries.ts';

/** What the guest shall run: a program of the packages or of `files`, its arguments, files by their place in the guest. */
export interface LinuxGuestProgram {
  readonly argv: readonly [string, ...string[]];
  readonly files: readonly { readonly host: string; readonly guest: string }[];
}

/** Where our init finds the program's arguments: zero-terminated strings. */
const ARGUMENTS_FILE = 'program.arguments';

/**
 * The archive that is appended to the guest's initramfs: the program, its libraries and loader, its files, its arguments.
 * @param packages the Debian packages that have them, unpacked
 */
export async function linuxProgramArchive(
  packages: readonly UnpackedPackage[],
  { argv, files }: LinuxGuestProgram,
): Promise<Buffer> {
  const [path] = argv;
  const given = files.find(({ guest }) => guest === path)?.host;
  const program = given ?? packagedFile(packages, path);
  const libraries = await sharedLibraries(packages, program);
  const added = [
    ...(given === undefined ? [{ host: program, guest: path }] : []),
    { host: packagedFile(packages, PROGRAM_LOADER), guest: PROGRAM_LOADER },
    ...libraries.map(({ name, file }) => ({ host: file, guest: `/usr/lib/x86_64-linux-gnu/${name}` })),
    ...files,
  ];
  const byPath = new Map(
    added
      .filter(({ guest }) => !PROGRAM_LOADER.endsWith(`/${posix.basename(guest)}`) || guest === PROGRAM_LOADER)
      .map(({ host, guest }): [string, CpioEntry] => [
        guest,
        { path: guest.slice(1), kind: 'file', mode: 0o755, data: readFileSync(host) },
      ]),
  );
  const list = Buffer.from(argv.map((word) => `${word}\0`).join(''));
  return writeCpio([...byPath.values(), { path: ARGUMENTS_FILE, kind: 'file', mode: 0o644, data: list }]);
}
