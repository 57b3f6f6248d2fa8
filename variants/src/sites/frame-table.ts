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

/**
 * The functions of an ELF file by its `.eh_frame_hdr` (Linux Standard Base 5.0, Core, 10.6), in the order of addresses;
 * none when the table is missing or in a form that linkers for x86-64 do not write.
 */
export function functionRanges(image: LoadedImage): FunctionRange[] {
  const header = image.segments.find((segment) => segment.type === PT_GNU_EH_FRAME);
  if (header === undefined) return [];
  const base = header.address;
  const UDATA4 = 0x03;
  if (image.u8(base) !== 1 || image.u8(base + 2) !== UDATA4 || image.u8(base + 3) !== DATA_RELATIVE_SDATA4) return [];
  const count = Math.min(image.u32(base + 8) ?? 0, Math.floor((header.fileSize - 12) / 8));
  const encodings = new Map<number, number | undefined>();
  const ranges: FunctionRange[] = [];
  for (let index = 0; index < count; index++) {
    const entry = base + (image.i32(base + 12 + 8 * index + 4) ?? 0);
    const back = image.u32(entry + 4);
    if (back === undefined) continue;
    const common = entry + 4 - back;
    if (!encodings.has(common)) encodings.set(common, addressEncoding(image, common));
    if (encodings.get(common) !== PC_RELATIVE_SDATA4) continue;
    const start = entry + 8 + (image.i32(entry + 8) ?? 0);
    const length = image.u32(entry + 12) ?? 0;
    if (length > 0) ranges.push({ start, end: start + length });
  }
  return ranges.sort((a, b) => a.start - b.start);
}
