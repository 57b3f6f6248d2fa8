import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../errors.ts';
import { START_PAGE, startInfo } from './start-info.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const machine = { entry: 0x10000d, memoryBytes: 64 * MIB, vcpus: 1, options: 'run=echo ip=10.9.0.2/24' };

/** Reads the structures as a kernel does: by their addresses. */
class Reader {
  private readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
  u32(address: number): number {
    return this.bytes.readUInt32LE(address - START_PAGE);
  }
  u64(address: number): number {
    return Number(this.bytes.readBigUInt64LE(address - START_PAGE));
  }
  text(address: number): string {
    const start = address - START_PAGE;
    return this.bytes.toString('utf8', start, this.bytes.indexOf(0, start));
  }
  /** Bytes that must add up to 0. */
  summed(address: number, length: number): Buffer {
    const structure = this.bytes.subarray(address - START_PAGE, address - START_PAGE + length);
    expect(structure.length).toBe(length);
    expect(structure.reduce((sum, byte) => sum + byte, 0) & 0xff).toBe(0);
    return structure;
  }
  table(address: number, signature: string): Buffer {
    const table = this.summed(address, this.u32(address + 4));
    expect(table.toString('latin1', 0, 4)).toBe(signature);
    return table;
  }
}

const INFO = START_PAGE + 8;

function memoryMap(memoryBytes: number): number[][] {
  const reader = new Reader(startInfo({ ...machine, memoryBytes }));
  const map = reader.u64(INFO + 40);
  return Array.from({ length: reader.u32(INFO + 48) }, (_, index) => {
    const entry = map + 24 * index;
    expect(reader.u32(entry + 16)).toBe(1);
    return [reader.u64(entry), reader.u64(entry + 8)];
  });
}

describe('the start info', () => {
  it('begins with the entry, and names version 1 of the structure and the command line', () => {
    const reader = new Reader(startInfo(machine));
    expect(reader.u64(START_PAGE)).toBe(machine.entry);
    expect([reader.u32(INFO), reader.u32(INFO + 4), reader.u32(INFO + 12)]).toEqual([0x336ec578, 1, 0]);
    expect(reader.text(reader.u64(INFO + 24))).toBe(machine.options);
  });

  it('lists the modules, each with its address and size', () => {
    const modules = [
      { address: 0x1e00000, bytes: 12345 },
      { address: 0x3e00000, bytes: 1 },
    ];
    const reader = new Reader(startInfo({ ...machine, modules }));
    expect(reader.u32(INFO + 12)).toBe(2);
    const list = reader.u64(INFO + 16);
    const entries = modules.map((_, index) => [0, 8, 16, 24].map((field) => reader.u64(list + 32 * index + field)));
    expect(entries).toEqual(modules.map(({ address, bytes }) => [address, bytes, 0, 0]));
  });

  it('lies where the firmware and the kernel expect it, and ends below what the kernel uses itself', () => {
    const header = readFileSync(new URL('../../../kernel/arch/x86_64/boot_layout.h', import.meta.url), 'utf8');
    const constant = (name: string) => Number(new RegExp(`#define ${name} (0x[0-9a-f]+)`).exec(header)?.[1]);
    expect(START_PAGE).toBe(constant('START_PAGE'));
    const room = constant('AP_PAGE') - START_PAGE;
    const rest = startInfo({ ...machine, vcpus: 8, options: '' }).length;
    const longest = startInfo({ ...machine, vcpus: 8, options: 'x'.repeat(room - rest - 1) });
    expect(longest.length).toBeLessThanOrEqual(room);
    expect(() => startInfo({ ...machine, options: 'x'.repeat(room) })).toThrow(UsageError);
  });

  it('lists the memory that there is, around the firmware and the devices', () => {
    const first = [0, 0xf0000];
    expect(memoryMap(2 * MIB)).toEqual([first, [MIB, MIB]]);
    expect(memoryMap(3 * GIB)).toEqual([first, [MIB, 3 * GIB - MIB]]);
    expect(memoryMap(3 * GIB + MIB)).toEqual([first, [MIB, 3 * GIB - MIB], [4 * GIB, MIB]]);
    expect(memoryMap(6 * GIB)).toEqual([first, [MIB, 3 * GIB - MIB], [4 * GIB, 3 * GIB]]);
  });

  it.each([1, 3, 8])('leads to ACPI tables with %i processors and both I/O APICs', (vcpus) => {
    const reader = new Reader(startInfo({ ...machine, vcpus }));
    const root = reader.u64(INFO + 32);
    reader.summed(root, 20);
    expect(reader.summed(root, 36).toString('latin1', 0, 8)).toBe('RSD PTR ');
    const list = reader.u64(root + 24);
    expect(reader.table(list, 'XSDT')).toHaveLength(36 + 8);
    const madt = reader.table(reader.u64(list + 36), 'APIC');
    const processors: number[] = [];
    const controllers: number[][] = [];
    for (let at = 44; at < madt.length; at += madt[at + 1] ?? 0) {
      if (madt[at] === 0) processors.push(madt[at + 3] ?? -1);
      else if (madt[at] === 1) controllers.push([madt.readUInt32LE(at + 4), madt.readUInt32LE(at + 8)]);
    }
    expect(processors).toEqual(Array.from({ length: vcpus }, (_, id) => id));
    expect(controllers).toEqual([
      [0xfec00000, 0],
      [0xfec10000, 24],
    ]);
  });
});
