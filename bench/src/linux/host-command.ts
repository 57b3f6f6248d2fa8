import { dirname } from 'node:path';
import { packagedFile, type UnpackedPackage } from '@plumbline/variants';
import { PROGRAM_LOADER, sharedLibraries } from './shared-libraries.ts';

/** What shall run: a program of the packages or of `files`, with arguments; those that name one of `files` are adapted. */
export interface HostProgram {
  readonly argv: readonly [string, ...string[]];
  readonly files: readonly { readonly host: string; readonly guest: string }[];
}

/**
 * Argv that runs a program here with the loader and the libraries of its Debian packages: the bytes that the guests run.
 * @param packages that have program, loader and libraries, unpacked
 */
export async function hostCommand(
  packages: readonly UnpackedPackage[],
  { argv, files }: HostProgram,
): Promise<[string, ...string[]]> {
  const onHost = (path: string): string => files.find(({ guest }) => guest === path)?.host ?? path;
  const [path, ...rest] = argv;
  const own = onHost(path);
  const program = own === path ? packagedFile(packages, path) : own;
  const directories = new Set((await sharedLibraries(packages, program)).map(({ file }) => dirname(file)));
  return [
    ...([packagedFile(packages, PROGRAM_LOADER), '--library-path', [...directories].join(':')] as const),
    // Programs with several names look at the one they were called by.
    ...['--argv0', path, program, ...rest.map(onHost)],
  ];
}
