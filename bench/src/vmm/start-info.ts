import { readFileSync, writeFileSync } from 'node:fs';
import { readPvhEntry } from '@plumbline/variants';
import { UsageError } from '../errors.ts';

/*
 * What a firmware tells a kernel, made on the host: with it our own firmware (kernel/arch/x86_64/firmware) has nothing
 * left to find out. The machine is QEMU's microvm, whose layout is fixed (QEMU, include/hw/i386/microvm.h).
 */

/** Where it lies in the guest's memory: START_PAGE of kernel/arch/x86_64/boot_layout.h. */
export const START_PAGE = 0x1000;
/** From here on the kernel's boot uses the memory itself: AP_PAGE of the same file. */
const START_END = 0x8000;

/** What the guest must be told of its machine. */
export interface StartInfo {
  /** Physical address of the kernel's PVH entry. */
  readonly entry: number;
  readonly memoryBytes: number;
  readonly vcpus: number;
  /** The kernel's command line. */
  readonly options: string;
  /** Where the archives lie that were loaded for the kernel. */
  readonly modules?: readonly { readonly address: number; readonly bytes: number }[];
}

/** The firmware's image lies here a second time; the memory below is RAM without a hole. */
const LOW_END = 0xf0000;
const MEGABYTE = 0x100000;
/** Memory beyond lies above 4 GiB; devices are in between. */
const DEVICE_HOLE = 0xc0000000;
const FOUR_GIB = 2 ** 32;
const LOCAL_APIC = 0xfee00000;
/** The I/O APICs: address and the first of their interrupts. The second serves the virtio-mmio devices. */
const IO_APICS = [
  [0xfec00000, 0],
  [0xfec10000, 24],
] as const;

/** Bytes of a structure, little endian: each value with its width in bytes. */
function pack(...fields: readonly (readonly [width: 1 | 2 | 4 | 8, value: number] | string)[]): Buffer {
  return Buffer.concat(
    fields.map((field) => {
      if (typeof field === 'string') return Buffer.from(field, 'latin1');
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(field[1]));
      return bytes.subarray(0, field[0]);
    }),
  );
}

/** Sets the byte at `at` so that all bytes of the structure add up to 0 (ACPI 6.5, 5.2.5.3 and 5.2.6). */
function withChecksum(structure: Buffer, at: number, length = structure.length): Buffer {
  structure[at] = 0;
  structure[at] = -structure.subarray(0, length).reduce((sum, byte) => sum + byte, 0) & 0xff;
  return structure;
}

/** An ACPI table: header (ACPI 6.5, 5.2.6) and body. */
function table(signature: string, revision: number, body: Buffer): Buffer {
  const header = pack(
    signature,
    [4, 36 + body.length],
    [1, revision],
    [1, 0],
    'PLUMB ',
    'MICROVM ',
    [4, 1],
    'PLMB',
    [4, 1],
  );
  return withChecksum(Buffer.concat([header, body]), 9);
}

/** The processors and interrupt controllers (ACPI 6.5, 5.2.12). */
function madt(vcpus: number): Buffer {
  const processors = Array.from({ length: vcpus }, (_, id) => pack([1, 0], [1, 8], [1, id], [1, id], [4, 1]));
  const controllers = IO_APICS.map(([address, first], id) =>
    pack([1, 1], [1, 12], [1, id], [1, 0], [4, address], [4, first]),
  );
  return table('APIC', 4, Buffer.concat([pack([4, LOCAL_APIC], [4, 0]), ...processors, ...controllers]));
}

/** The memory, as entries of a PVH memory map (xen/include/public/arch-x86/hvm/start_info.h). */
function memoryMap(memoryBytes: number): Buffer[] {
  const RAM = 1;
  const low = Math.min(memoryBytes, DEVICE_HOLE);
  const ranges: [number, number][] = [
    [0, Math.min(low, LOW_END)],
    [MEGABYTE, low - MEGABYTE],
    [FOUR_GIB, memoryBytes - low],
  ];
  return ranges
    .filter(([, size]) => size > 0)
    .map(([address, size]) => pack([8, address], [8, size], [4, RAM], [4, 0]));
}

/** Structures one after the other, each at a multiple of 8, from an address on. */
class Layout {
  private readonly parts: Buffer[] = [];
  private end: number;
  constructor(address: number) {
    this.end = address;
  }
  /** @returns the structure's address. */
  add(structure: Buffer): number {
    const at = this.end;
    const padded = Buffer.alloc(Math.ceil(structure.length / 8) * 8);
    structure.copy(padded);
    this.parts.push(padded);
    this.end += padded.length;
    return at;
  }
  bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
}

/**
 * What lies at START_PAGE of a guest that our firmware starts: the kernel's entry (8 bytes), the PVH start info, and
 * what that points to: memory map, ACPI tables, command line.
 * @throws UsageError when the command line is longer than the room for it.
 */
export function startInfo({ entry, memoryBytes, vcpus, options, modules = [] }: StartInfo): Buffer {
  const START_INFO_SIZE = 56;
  const layout = new Layout(START_PAGE + 8 + START_INFO_SIZE);
  const entries = memoryMap(memoryBytes);
  const map = layout.add(Buffer.concat(entries));
  // Each with the address of a command line of its own, which none has, and 8 reserved bytes.
  const moduleList = layout.add(
    Buffer.concat(modules.map(({ address, bytes }) => pack([8, address], [8, bytes], [8, 0], [8, 0]))),
  );
  const list = layout.add(table('XSDT', 1, pack([8, layout.add(madt(vcpus))])));
  const rsdp = pack('RSD PTR ', [1, 0], 'PLUMB ', [1, 2], [4, 0], [4, 36], [8, list], [1, 0], '\0\0\0');
  const root = layout.add(withChecksum(withChecksum(rsdp, 8, 20), 32));
  const commandLine = Buffer.from(`${options}\0`);
  const at = layout.add(commandLine);
  if (at + commandLine.length > START_END) {
    throw new UsageError(
      `the kernel's command line has ${commandLine.length - 1} bytes; at most ${START_END - at - 1} fit.`,
    );
  }
  const info = pack(
    ...([
      [4, 0x336ec578],
      [4, 1], // version
      [4, 0], // flags
      [4, modules.length],
      [8, modules.length === 0 ? 0 : moduleList],
      [8, at],
      [8, root],
      [8, map],
      [4, entries.length],
      [4, 0],
    ] as const),
  );
  return Buffer.concat([pack([8, entry]), info, layout.bytes()]);
}

/** Writes the start info of a kernel to a file, from which QEMU puts it into the guest's memory. */
export function writeStartInfo(file: string, kernel: string, machine: Omit<StartInfo, 'entry'>): void {
  writeFileSync(file, startInfo({ ...machine, entry: readPvhEntry(kernel, readFileSync(kernel)) }));
}
