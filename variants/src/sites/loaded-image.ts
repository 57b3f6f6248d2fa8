import { readSegments, type Segment } from '../image/elf-needs.ts';

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PF_X = 1;

/** The bytes of an ELF file by their virtual addresses, every access checked. */
export class LoadedImage {
  readonly segments: readonly Segment[];
  private readonly bytes: Buffer;

  private constructor(bytes: Buffer, segments: readonly Segment[]) {
    this.bytes = bytes;
    this.segments = segments;
  }

  /** @returns undefined when the file is no x86-64 ELF file, or a damaged one. */
  static of(bytes: Buffer): LoadedImage | undefined {
    const segments = readSegments(bytes);
    return segments === undefined ? undefined : new LoadedImage(bytes, segments);
  }

  /** The file's offset of `size` bytes at an address; undefined when they are not all in the file. */
  private offset(address: number, size: number): number | undefined {
    const load = this.segments.find(
      (item) => item.type === PT_LOAD && address >= item.address && address + size <= item.address + item.fileSize,
    );
    return load === undefined ? undefined : load.offset + address - load.address;
  }

  u8(address: number): number | undefined {
    const at = this.offset(address, 1);
    return at === undefined ? undefined : this.bytes.readUInt8(at);
  }
  i32(address: number): number | undefined {
    const at = this.offset(address, 4);
    return at === undefined ? undefined : this.bytes.readInt32LE(at);
  }
  u32(address: number): number | undefined {
    const at = this.offset(address, 4);
    return at === undefined ? undefined : this.bytes.readUInt32LE(at);
  }
  /** An unsigned number of 8 bytes; beyond 2^53 it is not exact, which no address is. */
  u64(address: number): number | undefined {
    const at = this.offset(address, 8);
    return at === undefined ? undefined : Number(this.bytes.readBigUInt64LE(at));
  }

  /** Whether an address is that of code. */
  isCode(address: number): boolean {
    return this.segments.some(
      (item) =>
        item.type === PT_LOAD &&
        (item.flags & PF_X) !== 0 &&
        address >= item.address &&
        address < item.address + item.fileSize,
    );
  }

  /** Whether two bytes are somewhere in the code, as an instruction or not. */
  codeContains(pair: Buffer): boolean {
    return this.segments.some(
      (item) =>
        item.type === PT_LOAD &&
        (item.flags & PF_X) !== 0 &&
        this.bytes.subarray(item.offset, item.offset + item.fileSize).includes(pair),
    );
  }

  /** Address and size of a section by its name; undefined when there is none, or no section table. */
  section(name: string): { address: number; size: number } | undefined {
    const { bytes } = this;
    const table = Number(bytes.readBigUInt64LE(40));
    const [size, count, names] = [bytes.readUInt16LE(58), bytes.readUInt16LE(60), bytes.readUInt16LE(62)];
    if (size < 64 || names >= count || table + size * count > bytes.length) return undefined;
    const strings = Number(bytes.readBigUInt64LE(table + size * names + 24));
    for (let at = table; at < table + size * count; at += size) {
      const start = strings + bytes.readUInt32LE(at);
      if (bytes.toString('latin1', start, start + name.length + 1) !== `${name}\0`) continue;
      return { address: Number(bytes.readBigUInt64LE(at + 16)), size: Number(bytes.readBigUInt64LE(at + 32)) };
    }
    return undefined;
  }

  /** Values of the dynamic section by tag (System V ABI, chapter 5); of several the last. */
  dynamic(): Map<number, number> {
    const values = new Map<number, number>();
    const section = this.segments.find((item) => item.type === PT_DYNAMIC);
    for (let at = 0; section !== undefined && at + 16 <= section.fileSize; at += 16) {
      const tag = Number(this.bytes.readBigUInt64LE(section.offset + at));
      if (tag === 0) break;
      values.set(tag, Number(this.bytes.readBigUInt64LE(section.offset + at + 8)));
    }
    return values;
  }
}
