import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ElfError, readBuildId, readPvhEntry, readSymbols } from './index.ts';

let folder: string;
let bytes: Buffer;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-elf-'));
  writeFileSync(
    join(folder, 'a.c'),
    [
      'int here = 1; int main(void) { return here; }',
      // The note of a PVH kernel: its entry is at 0x123456.
      '__asm__(".pushsection .note.entry,\\"a\\",@note; .balign 4; .long 4, 4, 18; .asciz \\"Xen\\"; .long 0x123456; .popsection");',
    ].join('\n'),
  );
  const id = '0123456789abcdef0123456789abcdef01234567';
  execFileSync('gcc', [`-Wl,--build-id=0x${id}`, '-no-pie', '-o', join(folder, 'a'), join(folder, 'a.c')]);
  bytes = readFileSync(join(folder, 'a'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('ELF images', () => {
  it('have a build id and symbols', () => {
    expect(readBuildId('a', bytes)).toBe('0123456789abcdef0123456789abcdef01234567');
    expect(readPvhEntry('a', bytes)).toBe(0x123456);
    const nm = execFileSync('nm', [join(folder, 'a')], { encoding: 'utf8' });
    const address = /^([0-9a-f]+) D here$/m.exec(nm)?.[1];
    expect(readSymbols('a', bytes, ['here']).here).toBe(BigInt(`0x${address}`));
    expect(() => readSymbols('a', bytes, ['nowhere'])).toThrow(/a: no symbol nowhere/);
  });

  it('are refused, never read out of bounds, when they are cut or wrong', () => {
    expect(() => readBuildId('x', Buffer.from('hello'))).toThrow(ElfError);
    for (let length = 0; length < bytes.length; length += 97) {
      expect(() => readBuildId('x', bytes.subarray(0, length))).toThrow(ElfError);
      expect(() => readPvhEntry('x', bytes.subarray(0, length))).toThrow(ElfError);
    }
    // Random damage must end in a result or an ElfError, nothing else.
    let state = 1;
    for (let round = 0; round < 300; round += 1) {
      const copy = Buffer.from(bytes);
      for (let change = 0; change < 20; change += 1) {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        copy[state % 64 === 0 ? state % copy.length : (state >>> 8) % 64] = state & 0xff;
      }
      try {
        readSymbols('x', copy, ['here']);
      } catch (error) {
        expect(error).toBeInstanceOf(ElfError);
      }
    }
  });
});
