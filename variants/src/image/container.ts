/** Physical address at which images lie in a guest: above what any kernel of ours occupies, and below the end of small guests. */
export const IMAGE_ADDRESS = 16 << 20;

const HEADER_BYTES = 4096;
const EM_X86_64 = 62;

/**
 * An archive as an ELF file with one segment at {@link IMAGE_ADDRESS}. QEMU maps such a file and copies it once, into the
 * guest's memory; a plain file it first reads into memory of its own, which takes longer than the start of the guest.
 */
export function elfContainer(archive: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // ELF, 64 bits, little endian, version 1
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(EM_X86_64, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(IMAGE_ADDRESS), 24);
  header.writeBigUInt64LE(64n, 32); // the program headers follow
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  const PT_LOAD = 1;
  header.writeUInt32LE(PT_LOAD, 64);
  header.writeUInt32LE(4, 68); // readable
  header.writeBigUInt64LE(BigInt(HEADER_BYTES), 72);
  for (const at of [80, 88]) header.writeBigUInt64LE(BigInt(IMAGE_ADDRESS), at);
  for (const at of [96, 104]) header.writeBigUInt64LE(BigInt(archive.length), at);
  header.writeBigUInt64LE(BigInt(HEADER_BYTES), 112);
  return Buffer.concat([header, archive]);
}
