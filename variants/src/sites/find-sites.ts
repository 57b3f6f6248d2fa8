import { disassemble, type Instruction } from './disassembly.ts';
import { type FunctionRange, functionRanges } from './frame-table.ts';
import { JumpTargets } from './jump-targets.ts';
import { LoadedImage } from './loaded-image.ts';

/** A `syscall` instruction and the instructions around it that a jump can take the place of. */
export interface CallSite {
  /** Virtual address of the window's first byte. */
  readonly window: number;
  /** 5 to 15 bytes, whole instructions. */
  readonly length: number;
  /** Bytes from the window's beginning to the `syscall`. */
  readonly offset: number;
}

/** What was found in an object. */
export interface SiteSearch {
  /** In the order of addresses. */
  readonly sites: readonly CallSite[];
  /** Virtual addresses of further `syscall` instructions, which stay as they are, with the reason. */
  readonly refused: readonly { readonly address: number; readonly reason: string }[];
}

/** A `jmp rel32`. */
const SHORTEST = 5;
const LONGEST = 15;
const SYSCALL_LENGTH = 2;
/** The kernel's list has addresses of 32 bits. */
const ADDRESS_LIMIT = 2 ** 32;

/**
 * Calls that return on another stack, return twice on one, or do not return to where they were made: rt_sigreturn, clone,
 * vfork, clone3 (asm/unistd_64.h).
 */
const SPECIAL_CALLS: ReadonlySet<number> = new Set([15, 56, 58, 435]);

/** Instructions whose meaning depends on where they lie, or that leave the straight line. */
const FIXED =
  /\(%[re]ip\)|^(?:\S+ )*(?:j\w+|call\w*|loop\w*|ret\w*|lret\w*|iret\w*|xbegin|xabort|syscall|sysret\w*|sysenter|sysexit\w*|int\w*|hlt|ud\d|endbr\w*)\b/;

/** What objdump shows when the bytes are no instruction, or a prefix that belongs to none. */
const INCOMPLETE = /\(bad\)|^\.byte|^(?:rex(?:\.\w+)?|data16|addr32|lock|repn?z?|[c-gs]s)$/;

function isMovable({ text }: Instruction): boolean {
  return !FIXED.test(text) && !INCOMPLETE.test(text);
}

/** The call's number when the instructions before it set eax to a constant. */
function callNumber(before: readonly Instruction[]): number | undefined {
  for (const { text } of [...before].reverse()) {
    const constant = /^mov\w*\s+\$0x([0-9a-f]+),%[er]ax$/.exec(text)?.[1];
    if (constant !== undefined) return Number.parseInt(constant, 16);
    if (/^xor\w*\s+%eax,%eax$/.test(text)) return 0;
    if (/,%(e|r)?a[xl]$/.test(text) || /^(?:\S+ )*(?:call|jmp|ret|syscall)/.test(text)) return undefined;
  }
  return undefined;
}

/** Straight code around a `syscall`: each instruction follows the one before it. */
interface Surroundings {
  readonly before: readonly Instruction[];
  readonly syscall: Instruction;
  readonly after: readonly Instruction[];
}

/** The shortest window; of equal ones that with the most before the call, where compilers put its number. */
function chooseWindow({ before, syscall, after }: Surroundings, targets: JumpTargets): CallSite | undefined {
  let best: CallSite | undefined;
  let start = syscall.address;
  let end = syscall.address + SYSCALL_LENGTH;
  /** The ends of windows that begin at the call. */
  const ends = [end];
  for (const item of after) {
    // What a window's inside must not have is an entry; its beginning may be one.
    if (!isMovable(item) || targets.has(item.address)) break;
    end = item.address + item.length;
    ends.push(end);
  }
  const consider = (): void => {
    const stop = ends.find((candidate) => candidate - start >= SHORTEST);
    if (stop === undefined || stop - start > LONGEST) return;
    if (best === undefined || stop - start <= best.length) {
      best = { window: start, length: stop - start, offset: syscall.address - start };
    }
  };
  consider();
  let inside = syscall.address;
  for (const item of [...before].reverse()) {
    if (!isMovable(item) || targets.has(inside)) break;
    start = item.address;
    inside = start;
    if (syscall.address + SYSCALL_LENGTH - start > LONGEST) break;
    consider();
  }
  return best;
}

/** Collects the instructions of one function while they follow each other, from its first byte on. */
class FunctionReader {
  private readonly ranges: readonly FunctionRange[];
  private next = 0;
  private range: FunctionRange | undefined;
  private expected = -1;

  constructor(ranges: readonly FunctionRange[]) {
    this.ranges = ranges;
  }

  /** Whether decoding from the beginning of the function at this address comes to this instruction. */
  confirms({ address, length, text }: Instruction): boolean {
    while (this.next < this.ranges.length && (this.ranges[this.next]?.start ?? 0) < address) this.next++;
    if (this.ranges[this.next]?.start === address) {
      this.range = this.ranges[this.next];
      this.expected = address;
    }
    const follows = this.range !== undefined && address === this.expected && address < this.range.end;
    if (!follows || INCOMPLETE.test(text)) {
      this.range = undefined;
      return false;
    }
    this.expected = address + length;
    return true;
  }
}

/**
 * Finds the real `syscall` instructions of an ELF file: those that linear disassembly and decoding from the beginning of a
 * function both come to, so that constants and tables with the same two bytes are none. For each it looks for a window
 * that can be moved: position-independent instructions that nothing jumps into the middle of.
 *
 * @param file path, for the disassembler
 * @param bytes the file's content
 * @returns undefined when the file is no x86-64 ELF file
 */
export async function findSites(file: string, bytes: Buffer): Promise<SiteSearch | undefined> {
  const image = LoadedImage.of(bytes);
  if (image === undefined) return undefined;
  // Most libraries have no such bytes at all, and disassembly is slow.
  if (!image.codeContains(Buffer.from([0x0f, 0x05]))) return { sites: [], refused: [] };
  const ranges = functionRanges(image);
  const targets = new JumpTargets(image);
  for (const { start } of ranges) targets.add(start);
  const reader = new FunctionReader(ranges);
  const starts = new Set(ranges.map(({ start }) => start));
  const found: { before: Instruction[]; syscall: Instruction; after: Instruction[]; confirmed: boolean }[] = [];
  let recent: Instruction[] = [];
  for await (const instruction of disassemble(file)) {
    const last = recent.at(-1);
    if (last !== undefined && last.address + last.length !== instruction.address) recent = [];
    if (starts.has(instruction.address)) targets.endFunction();
    targets.see(instruction);
    const confirmed = reader.confirms(instruction);
    for (const site of found.slice(-4)) {
      const end = (site.after.at(-1) ?? site.syscall).address + (site.after.at(-1) ?? site.syscall).length;
      if (end === instruction.address && end - site.syscall.address < LONGEST) site.after.push(instruction);
    }
    if (instruction.text === 'syscall' && instruction.length === SYSCALL_LENGTH) {
      found.push({ before: [...recent], syscall: instruction, after: [], confirmed });
    }
    recent = [...recent.slice(-11), instruction];
  }
  targets.endFunction();
  const sites: CallSite[] = [];
  const refused: { address: number; reason: string }[] = [];
  for (const site of found) {
    const { address } = site.syscall;
    const number = callNumber(site.before);
    const refuse = (reason: string): void => void refused.push({ address, reason });
    if (!site.confirmed) refuse('no function of the unwind table leads to it');
    else if (number !== undefined && SPECIAL_CALLS.has(number)) refuse(`call ${number} does not simply return`);
    else {
      const window = chooseWindow(site, targets);
      if (window === undefined) refuse('no window of whole movable instructions');
      else if (window.window + window.length > ADDRESS_LIMIT) refuse('beyond 4 GiB');
      else if (window.window < (sites.at(-1)?.window ?? 0) + (sites.at(-1)?.length ?? 0)) refuse('overlaps another');
      else sites.push(window);
    }
  }
  return { sites, refused };
}
