/** What an ELF file asks of its surroundings. */
export interface ElfNeeds {
  /** Names of the libraries it needs itself (DT_NEEDED). */
  readonly needed: readonly string[];
  /** The loader it names (PT_INTERP). */
  readonly interpreter: string | undefined;
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

/** A program header (System V ABI, chapter 5). */
export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

/**
 * The program headers of an x86-64 ELF file.
 * @returns undefined when it is none, or a damaged one
 */
export function readSegments(bytes: Buffer): Segment[] | undefined {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const EM_X86_64 = 62;
  if (bytes[4] !== 2 || bytes[5] !== 1 || bytes.readUInt16LE(18) !== EM_X86_64) return undefined;
  const table = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  const count = bytes.readUInt16LE(56);
  if (size < 56 || table + size * count > bytes.length) return undefined;
  const segments = Array.from({ length: count }, (_, index) => {
    const at = table + index * size;
    return {
      type: bytes.readUInt32LE(at),
      flags: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      address: Number(bytes.readBigUInt64LE(at + 16)),
      fileSize: Number(bytes.readBigUInt64LE(at + 32)),
    };
  });
  return segments.every(({ offset, fileSize }) => offset + fileSize <= bytes.length) ? segments : undefined;
}

/** The text at an offset up to its zero byte. */
function textAt(bytes: Buffer, offset: number): string {
  const end = bytes.indexOf(0, offset);
  return bytes.toString('latin1', offset, end < 0 ? bytes.length : end);
}

/**
 * Reads what a file needs.
 * @returns undefined when it is no x86-64 ELF file
 */
export function readElfNeeds(bytes: Buffer): ElfNeeds | undefined {
  const segments = readSegments(bytes);
  if (segments === undefined) return undefined;
  const fileOffset = (address: number): number | undefined => {
    const load = segments.find(
      (item) => item.type === PT_LOAD && address >= item.address && address < item.address + item.fileSize,
    );
    return load === undefined ? undefined : load.offset + address - load.address;
  };
  const interpreter = segments.find((item) => item.type === PT_INTERP);
  const dynamic = segments.find((item) => item.type === PT_DYNAMIC);
  const names: number[] = [];
  let strings: number | undefined;
  for (let at = dynamic?.offset ?? 0; dynamic && at + 16 <= dynamic.offset + dynamic.fileSize; at += 16) {
    const tag = Number(bytes.readBigUInt64LE(at));
    if (tag === 0) break;
    const value = Number(bytes.readBigUInt64LE(at + 8));
    if (tag === DT_NEEDED) names.push(value);
    else if (tag === DT_STRTAB) strings = fileOffset(value);
  }
  return {
    needed: strings === undefined ? [] : names.map((name) => textAt(bytes, (strings ?? 0) + name)),
    interpreter: interpreter === undefined ? undefined : textAt(bytes, interpreter.offset),
  };
}

/** The interpreter that a script names in its first line, as an absolute path or, with `env`, a name. */
export function scriptInterpreter(bytes: Buffer): string | undefined {
  const match = /^#!\s*(\S+)(?:\s+(?:-S\s+)?(\S+))?/.exec(bytes.toString('latin1', 0, 256).split('\n')[0] ?? '');
  if (match === null) return undefined;
  return /\/env$/.test(match[1] ?? '') ? match[2] : match[1];
}
