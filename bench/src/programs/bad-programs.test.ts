import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ProgramResult } from '../vmm/index.ts';
import { compileProgram } from './compile.ts';
import { programsUnderTest } from './program-under-test.ts';

/* Programs that cannot be run end with words that say why, never with a panic or a hang. Needs /dev/kvm. */
const programs = programsUnderTest();
let good: Buffer;
beforeAll(async () => {
  good = readFileSync(await compileProgram('microbenchmarks'));
}, 60_000);

function run(bytes: Buffer | undefined): Promise<ProgramResult> {
  const host = join(programs.folder, 'program');
  if (bytes) writeFileSync(host, bytes, { mode: 0o755 });
  const files = bytes ? [{ host, guest: '/bin/program' }] : [];
  return programs.run({ argv: ['/bin/program'], packages: ['libc6'], files }, 60_000);
}

/** A copy of the good program with some bytes changed. */
function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(good);
  change(bytes);
  return bytes;
}

function replaceText(bytes: Buffer, from: string, to: string): void {
  const at = bytes.indexOf(from);
  if (at < 0) throw new Error(`the program has no ${from}`);
  bytes.write(to.padEnd(from.length, '\0'), at, 'latin1');
}

const E_MACHINE = 18;
const E_PHOFF = 32;

describe('a program that cannot be run', () => {
  it.each<[string, () => Buffer | undefined, RegExp]>([
    ['is not there', () => undefined, /\/bin\/program.*(ENOENT|no such file)/i],
    [
      'is cut within its header',
      () => good.subarray(0, 40),
      /\/bin\/program.*(ENOEXEC|not an ELF|header|truncated|short)/i,
    ],
    ['is cut behind its header', () => good.subarray(0, 300), /\/bin\/program/],
    ['is for another machine', () => changed((b) => b.writeUInt16LE(183, E_MACHINE)), /\/bin\/program.*machine/i],
    ['has its program headers nowhere', () => changed((b) => b.writeBigUInt64LE(2n ** 62n, E_PHOFF)), /\/bin\/program/],
    [
      'names an interpreter that is not there',
      () => changed((b) => replaceText(b, '/lib64/ld-linux-x86-64.so.2', '/lib64/ld-nowhere.so')),
      /ld-nowhere\.so/,
    ],
    ['is text', () => Buffer.from('hello\n'), /\/bin\/program/],
    ['is a script without an interpreter', () => Buffer.from('#!/bin/nothing\n'), /\/bin\/nothing|\/bin\/program/],
    ['is empty', () => Buffer.alloc(0), /\/bin\/program/],
  ])(
    'because it %s: says so',
    async (_, program, words) => {
      const result = await run(program());
      expect(result.log).toMatch(words);
      expect(result.end).not.toEqual({ kind: 'exit', status: 0 });
    },
    90_000,
  );

  it('because a library is not there: the loader says so', async () => {
    const result = await run(changed((bytes) => replaceText(bytes, 'libc.so.6', 'libx.so.6')));
    expect(result.stdout.toString()).toMatch(/libx\.so\.6: cannot open shared object file/);
    expect(result.end).toEqual({ kind: 'exit', status: 127 });
  }, 90_000);
});
