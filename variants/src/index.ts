export {
  DebianFetchError,
  type FetchedPackages,
  type FetchOptions,
  fetchPackageSet,
  type PackageProvenance,
  packagedFile,
  type UnpackedPackage,
} from './debian/fetch.ts';
export * from './declarations.ts';
export { ElfError, readBuildId, readPvhEntry, readSymbols } from './elf.ts';
export { EnvironmentError, messageOf, UsageError, UserError } from './errors.ts';
export { type CpioEntry, writeCpio } from './image/cpio.ts';
export { buildKernel, KernelBuildError, type KernelImage } from './kernel-build.ts';
export { takeLockFile } from './lock-file.ts';
export { CommandError, type CommandOptions, dyingWithUs, runCommand } from './process/command.ts';
export { removeStaleDirectories } from './process/temporary-directories.ts';
