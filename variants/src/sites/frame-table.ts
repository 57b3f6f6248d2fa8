import type { LoadedImage } from './loaded-image.ts';

/** Code of one function, or of a part of one, as the unwinder's tables have it. */
export interface FunctionRange {
  readonly start: number;
  readonly end: number;
}

const PT_GNU_EH_FRAME = 0x6474e550;
/** Encodings of pointers (Linux Standard Base 5.0, Core, 10.5). */
const DATA_RELATIVE_SDATA4 = 0x3b;
const PC_RELATIVE_SDATA4 = 0x1b;

/** The common entry that a frame's entry refers to has the encoding of its addresses: "zR" and one byte at its end. */
function addressEncoding(image: LoadedImage, common: number): number | undefined {
  let at = common + 8;
  const byte = (): number => image.u8(at++) ?? 0;
  const skipNumber = (): void => {
    for (let length = 0; length < 10 && (byte() & 0x80) !== 0; length++);
  };
  byte(); // version
  let augmentation = '';
  for (let next = byte(); next !== 0 && augmentation.length < 16; next = byte()) {
    augmentation += String.fromCharCode(next);
  }
  if (!augmentation.startsWith('z')) return undefined;
  skipNumber(); // code alignment
  skipNumber(); // data alignment
  skipNumber(); // return address register
  skipNumber(); // length of what follows
  for (const letter of augmentation.slice(1)) {
    if (letter === 'R') return byte();
    if (letter === 'L') byte();
    else if (letter === 'P') {
      // The personality routine's address: 4 bytes in all encodings that compilers use here.
      byte();
      at += 4;
    } else if (letter !== 'S' && letter !== 'B') return undefined;
  }
  return undefined;
}

/** Knows the encoding of addresses for each common entry. */
class FrameEntries {
  private readonly image: LoadedImage;
  private readonly encodings = new Map<number, number | undefined>();
  constructor(image: LoadedImage) {
    this.image = image;
  }

  /** The function that the entry at an address describes; undefined for other entries. */
  rangeAt(entry: number): FunctionRange | undefined {
    const back = this.image.u32(entry + 4);
    if (back === undefined || back === 0) return undefined;
    const common = entry + 4 - back;
    if (!this.encodings.has(common)) this.encodings.set(common, addressEncoding(this.image, common));
    if (this.encodings.get(common) !== PC_RELATIVE_SDATA4) return undefined;
    const start = entry + 8 + (this.image.i32(entry + 8) ?? 0);
    const length = this.image.u32(entry + 12) ?? 0;
    return length > 0 ? { start, end: start + length } : undefined;
  }
}

/** Addresses of the entries that the search table of `.eh_frame_hdr` leads to. */
function tableEntries(image: LoadedImage, base: number, size: number): number[] {
  const UDATA4 = 0x03;
  if (image.u8(base) !== 1 || image.u8(base + 2) !== UDATA4 || image.u8(base + 3) !== DATA_RELATIVE_SDATA4) return [];
  const count = Math.min(image.u32(base + 8) ?? 0, Math.floor((size - 12) / 8));
  return Array.from({ length: count }, (_, index) => base + (image.i32(base + 12 + 8 * index + 4) ?? 0));
}

/** Addresses of the entries of `.eh_frame`, one after the other. */
function sectionEntries(image: LoadedImage, start: number, size: number): number[] {
  const entries: number[] = [];
  for (let at = start; at + 8 <= start + size; ) {
    entries.push(at);
    const length = image.u32(at) ?? 0;
    // A length of 0 ends the frames of one input file; 64-bit lengths do not occur.
    if (length === 0xffffffff) break;
    at += 4 + length;
  }
  return entries;
}

/**
 * The functions of an ELF file by its `.eh_frame_hdr` (Linux Standard Base 5.0, Core, 10.6), or by its section `.eh_frame`
 * when it has none, as programs linked statically; in the order of addresses. None when the tables are missing or in a form
 * that compilers for x86-64 do not write.
 */
export function functionRanges(image: LoadedImage): FunctionRange[] {
  const header = image.segments.find((segment) => segment.type === PT_GNU_EH_FRAME);
  const section = header === undefined ? image.section('.eh_frame') : undefined;
  const entries = header
    ? tableEntries(image, header.address, header.fileSize)
    : sectionEntries(image, section?.address ?? 0, section?.size ?? 0);
  const frames = new FrameEntries(image);
  const ranges = entries.map((entry) => frames.rangeAt(entry)).filter((range) => range !== undefined);
  return ranges.sort((a, b) => a.start - b.start);
}
