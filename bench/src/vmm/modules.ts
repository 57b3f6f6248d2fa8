import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { UsageError } from '../errors.ts';

/** Archives that are in the guest's memory when its kernel starts. */
export interface BootModules {
  /** In the order in which the kernel reads them. */
  readonly files: readonly string[];
  /** A file of this boot for all of them in one: QEMU's own firmware takes only one. */
  readonly joined: string;
}

/** A module in the guest's memory. */
export interface PlacedModule {
  readonly file: string;
  /** Physical address, a multiple of 2 MiB. */
  readonly address: number;
  readonly bytes: number;
}

/** Memory of the machine ends here at the latest; beyond are devices, and what lies above 4 GiB (start-info.ts). */
const LOW_MEMORY_END = 0xc0000000;
/** The kernel's image and what its boot needs lie below. */
const KERNEL_END = 8 << 20;
const LARGE_PAGE = 2 << 20;

/**
 * Places modules as high as possible in the memory below 3 GiB, the first lowest.
 * @throws UsageError when they leave the kernel no room
 */
export function placeModules(files: readonly string[], memoryBytes: number): PlacedModule[] {
  const placed: PlacedModule[] = [];
  let end = Math.min(memoryBytes, LOW_MEMORY_END);
  for (const file of [...files].reverse()) {
    const bytes = statSync(file).size;
    const address = Math.floor((end - bytes) / LARGE_PAGE) * LARGE_PAGE;
    placed.unshift({ file, address, bytes });
    end = address;
  }
  if (placed.length > 0 && end < KERNEL_END) {
    const total = placed.reduce((sum, module) => sum + Math.ceil(module.bytes / LARGE_PAGE) * LARGE_PAGE, KERNEL_END);
    throw new UsageError(
      `the image does not fit into ${memoryBytes >> 20} MiB of memory; give the guest at least ${total >> 20}M, and what the program itself needs.`,
    );
  }
  return placed;
}

/** The file that QEMU's own firmware loads; made here when there are several modules. */
export function joinModules({ files, joined }: BootModules): void {
  if (files.length > 1) writeFileSync(joined, Buffer.concat(files.map((file) => readFileSync(file))));
}

/** Where {@link joinModules} has left them. */
export function joinedModules({ files, joined }: BootModules): string {
  const [first] = files;
  return files.length === 1 && first !== undefined ? first : joined;
}
