import { writeFileSync } from 'node:fs';

const LOAD_ADDRESS = 0x100000;
/** Xen's ELF note type of the PVH entry point (xen/include/public/elfnote.h, XEN_ELFNOTE_PHYS32_ENTRY). */
const PHYS32_ENTRY = 18;

/** i386 code: write `text` to the first serial port, then end QEMU through the debug-exit port, or halt for ever. */
function code(text: string, exitValue: number | undefined): Buffer {
  const say = [...Buffer.from(text)].flatMap((byte) => [0xb0, byte, 0xee]); // mov al, byte; out dx, al
  const end = exitValue === undefined ? [] : [0xb0, exitValue, 0xe6, 0xf4]; // mov al, value; out 0xf4, al
  return Buffer.from([0x66, 0xba, 0xf8, 0x03, ...say, ...end, 0xfa, 0xf4, 0xeb, 0xfc]); // mov dx, 0x3f8 ... cli; hlt; jmp
}

/**
 * Writes the smallest PVH kernel: it says something on the serial port and ends as asked. It tests how guests are
 * started and ended, with the real QEMU, before and apart from any kernel.
 * @param exitValue the debug-exit value; without one the guest hangs.
 */
export function writeTinyGuest(file: string, text: string, exitValue?: number): void {
  const program = code(text, exitValue);
  const header = Buffer.alloc(52);
  header.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]); // ELF, 32 bits, little endian
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(3, 18); // i386
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(LOAD_ADDRESS, 24);
  header.writeUInt32LE(52, 28); // program headers follow
  header.writeUInt16LE(52, 40);
  header.writeUInt16LE(32, 42);
  header.writeUInt16LE(2, 44);
  header.writeUInt16LE(40, 46);
  const note = Buffer.alloc(20);
  note.writeUInt32LE(4, 0);
  note.writeUInt32LE(4, 4);
  note.writeUInt32LE(PHYS32_ENTRY, 8);
  note.write('Xen\0', 12, 'latin1');
  note.writeUInt32LE(LOAD_ADDRESS, 16);
  const start = 52 + 64;
  const segment = (type: number, offset: number, address: number, size: number, flags: number): Buffer => {
    const entry = Buffer.alloc(32);
    [type, offset, address, address, size, size, flags, 4].forEach((value, index) => {
      entry.writeUInt32LE(value, index * 4);
    });
    return entry;
  };
  const load = segment(1, start + note.length, LOAD_ADDRESS, program.length, 5);
  const notes = segment(4, start, 0, note.length, 4);
  writeFileSync(file, Buffer.concat([header, load, notes, note, program]));
}
