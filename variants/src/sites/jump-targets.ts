import type { Instruction } from './disassembly.ts';
import type { LoadedImage } from './loaded-image.ts';

const DIRECT = /^(?:(?:notrack|bnd|rep[nz]*|data16|cs|ds) )*(?:j\w+|call\w*|loop\w*|xbegin)(?:,p[nt])?\s+([0-9a-f]+)\b/;
const INDIRECT = /^(?:(?:notrack|bnd) )*jmp\w*\s+\*/;
const ABSOLUTE_TABLE = /^(?:(?:notrack|bnd) )*jmp\w*\s+\*0x([0-9a-f]+)\(,%\w+,8\)/;
const ADDRESS_OF = /^lea\s+(-?)0x([0-9a-f]+)\(%rip\),/;
/** No switch of a compiler has more. */
const LONGEST_TABLE = 65_536;

/** Tags of the dynamic section and the relocation type for "load address plus addend" (x86-64 psABI). */
const DT_RELA = 7;
const DT_RELASZ = 8;
const R_X86_64_RELATIVE = 8;

/**
 * Gathers the addresses that an object's code may jump to, as its instructions come by: of direct jumps and calls, of
 * jump tables, of code whose address is taken. Rather too many than too few: a number that only looks like a target costs
 * a fast path, a target that is missed a crash.
 */
export class JumpTargets {
  private readonly found = new Set<number>();
  private readonly image: LoadedImage;
  /** Addresses of possible tables that the present function has named, and whether it jumps through one. */
  private tables: number[] = [];
  private indirect = false;

  constructor(image: LoadedImage) {
    this.image = image;
    this.addRelocated();
  }

  has(address: number): boolean {
    return this.found.has(address);
  }

  add(address: number): void {
    this.found.add(address);
  }

  /** Takes in one instruction. */
  see({ address, length, text }: Instruction): void {
    const direct = DIRECT.exec(text)?.[1];
    if (direct !== undefined) this.found.add(Number.parseInt(direct, 16));
    const taken = ADDRESS_OF.exec(text);
    if (taken !== null) {
      const offset = Number.parseInt(taken[2] ?? '', 16) * (taken[1] === '-' ? -1 : 1);
      const target = address + length + offset;
      if (this.image.isCode(target)) this.found.add(target);
      else this.tables.push(target);
    }
    const table = ABSOLUTE_TABLE.exec(text)?.[1];
    if (table !== undefined) this.addAbsoluteTable(Number.parseInt(table, 16));
    if (INDIRECT.test(text)) this.indirect = true;
  }

  /** A function has ended: the tables it named are its own. */
  endFunction(): void {
    if (this.indirect) for (const table of this.tables) this.addRelativeTable(table);
    this.tables = [];
    this.indirect = false;
  }

  /** Distances of 4 bytes from the table's beginning, as compilers make them for code that may lie anywhere. */
  private addRelativeTable(table: number): void {
    for (let index = 0; index < LONGEST_TABLE; index++) {
      const distance = this.image.i32(table + 4 * index);
      if (distance === undefined || !this.image.isCode(table + distance)) return;
      this.found.add(table + distance);
    }
  }

  private addAbsoluteTable(table: number): void {
    for (let index = 0; index < LONGEST_TABLE; index++) {
      const target = this.image.u64(table + 8 * index);
      if (target === undefined || !this.image.isCode(target)) return;
      this.found.add(target);
    }
  }

  /** Pointers to code in the object's data: tables of functions and of labels. */
  private addRelocated(): void {
    const dynamic = this.image.dynamic();
    const table = dynamic.get(DT_RELA);
    const size = dynamic.get(DT_RELASZ) ?? 0;
    for (let at = 0; table !== undefined && at + 24 <= size; at += 24) {
      const addend = this.image.u64(table + at + 16);
      if (this.image.u32(table + at + 8) === R_X86_64_RELATIVE && addend !== undefined && this.image.isCode(addend)) {
        this.found.add(addend);
      }
    }
  }
}
