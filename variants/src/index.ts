export * from './declarations.ts';
export { ElfError, readBuildId, readPvhEntry, readSymbols } from './elf.ts';
export { buildKernel, KernelBuildError, type KernelImage } from './kernel-build.ts';
export { takeLockFile } from './lock-file.ts';
