import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from '../errors.ts';
import { joinedModules, joinModules, placeModules } from './modules.ts';

const MIB = 2 ** 20;
const directory = mkdtempSync(join(tmpdir(), 'plumbline-modules-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, bytes: number): string {
  const path = join(directory, name);
  writeFileSync(path, Buffer.alloc(bytes, name));
  return path;
}

const image = { file: file('image', 5 * MIB + 1), container: '/image.elf' };
const own = file('own', 4096);
const joined = join(directory, 'joined');

describe('placeModules', () => {
  it('puts them one after the other, on boundaries of 2 MiB', () => {
    expect(placeModules({ image, own, joined }, 64 * MIB)).toEqual([
      { file: '/image.elf', elf: true, address: 16 * MIB, bytes: 5 * MIB + 1 },
      { file: own, elf: false, address: 22 * MIB, bytes: 4096 },
    ]);
    expect(placeModules({ own, joined }, 64 * MIB)).toEqual([
      { file: own, elf: false, address: 16 * MIB, bytes: 4096 },
    ]);
  });
  it('leaves guests without modules as small as they want to be', () => {
    expect(placeModules(undefined, 2 * MIB)).toEqual([]);
  });
  it('says how much memory it takes when it is too little', () => {
    expect(() => placeModules({ image, own, joined }, 31 * MIB)).toThrow(UsageError);
    expect(() => placeModules({ image, own, joined }, 31 * MIB)).toThrow(/31 MiB of memory; .* at least 32M/);
    expect(placeModules({ image, own, joined }, 32 * MIB)).toHaveLength(2);
  });
});

it('joins several for the firmware that takes one', () => {
  const one = { own, joined };
  joinModules(one);
  expect(joinedModules(one)).toBe(own);
  const two = { image, own, joined };
  joinModules(two);
  const both = Buffer.concat([image.file, own].map((path) => readFileSync(path)));
  expect(readFileSync(joinedModules(two)).equals(both)).toBe(true);
});
