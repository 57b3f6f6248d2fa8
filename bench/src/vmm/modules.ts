import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { IMAGE_ADDRESS } from '@plumbline/variants';
import { UsageError } from '../errors.ts';

/** Archives that are in the guest's memory when its kernel starts, in the order in which the kernel reads them. */
export interface BootModules {
  /** An image, as an archive and as an ELF file that is loaded at IMAGE_ADDRESS. */
  readonly image?: { readonly file: string; readonly container: string };
  /** The archive of this boot. */
  readonly own: string;
  /** A file of this boot for all of them in one: QEMU's own firmware takes only one. */
  readonly joined: string;
}

/** A module in the guest's memory. */
export interface PlacedModule {
  /** What QEMU loads: the archive itself, or an ELF file with it. */
  readonly file: string;
  readonly elf: boolean;
  /** Physical address, a multiple of 2 MiB. */
  readonly address: number;
  readonly bytes: number;
}

/** Memory of the machine ends here at the latest; beyond are devices, and what lies above 4 GiB (start-info.ts). */
const LOW_MEMORY_END = 0xc0000000;
const LARGE_PAGE = 2 << 20;
/** For the kernel beside the image; what a program needs comes on top. */
const LEAST_REST = 8 << 20;

/**
 * Places modules one after the other from IMAGE_ADDRESS on.
 * @throws UsageError when they leave no room
 */
export function placeModules(modules: BootModules | undefined, memoryBytes: number): PlacedModule[] {
  if (modules === undefined) return [];
  const placed: PlacedModule[] = [];
  let address = IMAGE_ADDRESS;
  const place = (archive: string, file: string): void => {
    const bytes = statSync(archive).size;
    placed.push({ file, elf: file !== archive, address, bytes });
    address = Math.ceil((address + bytes) / LARGE_PAGE) * LARGE_PAGE;
  };
  if (modules.image) place(modules.image.file, modules.image.container);
  place(modules.own, modules.own);
  const least = address + LEAST_REST;
  if (least > Math.min(memoryBytes, LOW_MEMORY_END)) {
    throw new UsageError(
      `the image does not fit into ${memoryBytes >> 20} MiB of memory; give the guest at least ${least >> 20}M, and what the program itself needs.`,
    );
  }
  return placed;
}

/** The file that QEMU's own firmware loads; made here when there are several modules. */
export function joinModules({ image, own, joined }: BootModules): void {
  if (image) writeFileSync(joined, Buffer.concat([image.file, own].map((file) => readFileSync(file))));
}

/** Where {@link joinModules} has left them. */
export function joinedModules({ image, own, joined }: BootModules): string {
  return image ? joined : own;
}
