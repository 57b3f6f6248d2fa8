/** Thrown for a file that is not the ELF image it should be: names the file and the field. */
export class ElfError extends Error {
  constructor(file: string, what: string) {
    super(`${file}: ${what}`);
    this.name = 'ElfError';
  }
}

const SHT_SYMTAB = 2;
const SHT_NOTE = 7;
const NT_GNU_BUILD_ID = 3;
/** xen/include/public/elfnote.h */
const XEN_ELFNOTE_PHYS32_ENTRY = 18;

type Section = { type: number; offset: number; size: number; link: number; entrySize: number };

/** Reads the section table of a little-endian ELF64 file (System V ABI, chapter 4), with every bound checked. */
function sections(file: string, bytes: Buffer): Section[] {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46) throw new ElfError(file, 'not an ELF file');
  if (bytes[4] !== 2 || bytes[5] !== 1) throw new ElfError(file, 'not a little-endian 64-bit ELF file');
  const offset = Number(bytes.readBigUInt64LE(40));
  const entrySize = bytes.readUInt16LE(58);
  const count = bytes.readUInt16LE(60);
  if (entrySize < 64 || offset + entrySize * count > bytes.length) {
    throw new ElfError(file, `section table at ${offset} with ${count} entries lies outside the file`);
  }
  return Array.from({ length: count }, (_, index) => {
    const at = offset + index * entrySize;
    const section = {
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
      entrySize: Number(bytes.readBigUInt64LE(at + 56)),
    };
    const SHT_NOBITS = 8;
    if (section.type !== 0 && section.type !== SHT_NOBITS && section.offset + section.size > bytes.length) {
      throw new ElfError(file, `section ${index} lies outside the file`);
    }
    return section;
  });
}

/** The description of the first note of that name and type (System V ABI, chapter 5, "Note Section"). */
function findNote(file: string, bytes: Buffer, owner: string, type: number): Buffer | undefined {
  for (const section of sections(file, bytes).filter((item) => item.type === SHT_NOTE)) {
    let at = section.offset;
    const end = section.offset + section.size;
    while (at + 12 <= end) {
      const nameSize = bytes.readUInt32LE(at);
      const descriptionSize = bytes.readUInt32LE(at + 4);
      const description = at + 12 + Math.ceil(nameSize / 4) * 4;
      if (description + descriptionSize > end) break;
      const name = bytes.toString('latin1', at + 12, at + 12 + nameSize);
      if (bytes.readUInt32LE(at + 8) === type && name === `${owner}\0`) {
        return bytes.subarray(description, description + descriptionSize);
      }
      at = description + Math.ceil(descriptionSize / 4) * 4;
    }
  }
  return undefined;
}

/**
 * The GNU build id of an ELF file.
 *
 * @returns lower-case hexadecimal
 * @throws ElfError when the file is not ELF64 or has no build id
 */
export function readBuildId(file: string, bytes: Buffer): string {
  const id = findNote(file, bytes, 'GNU', NT_GNU_BUILD_ID);
  if (id === undefined) throw new ElfError(file, 'no GNU build id (link with --build-id)');
  return id.toString('hex');
}

/**
 * The physical address at which a kernel is entered by the PVH boot ABI.
 *
 * @throws ElfError when the file is not ELF64 or not a PVH kernel
 */
export function readPvhEntry(file: string, bytes: Buffer): number {
  const entry = findNote(file, bytes, 'Xen', XEN_ELFNOTE_PHYS32_ENTRY);
  if (entry?.length !== 4) throw new ElfError(file, 'not a PVH kernel: it has no note XEN_ELFNOTE_PHYS32_ENTRY');
  return entry.readUInt32LE(0);
}

/**
 * Addresses of symbols of an ELF file.
 *
 * @param names the symbols to find
 * @throws ElfError when the file has no symbol table or one of the symbols is missing
 */
export function readSymbols(file: string, bytes: Buffer, names: readonly string[]): Record<string, bigint> {
  const table = sections(file, bytes);
  const symbols = table.find((item) => item.type === SHT_SYMTAB);
  const strings = symbols === undefined ? undefined : table[symbols.link];
  if (symbols === undefined || strings === undefined) throw new ElfError(file, 'no symbol table');
  const wanted = new Set(names);
  const found: Record<string, bigint> = {};
  for (let at = symbols.offset; at + 24 <= symbols.offset + symbols.size; at += 24) {
    const start = strings.offset + bytes.readUInt32LE(at);
    const end = bytes.indexOf(0, start);
    if (start >= strings.offset + strings.size || end < 0) continue;
    const name = bytes.toString('latin1', start, end);
    if (wanted.has(name)) found[name] = bytes.readBigUInt64LE(at + 8);
  }
  const missing = names.filter((name) => found[name] === undefined);
  if (missing.length > 0) throw new ElfError(file, `no symbol ${missing.join(', ')}`);
  return found;
}
