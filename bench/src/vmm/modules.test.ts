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

const large = file('large', 5 * MIB + 1);
const small = file('small', 4096);

describe('placeModules', () => {
  it('puts them at the top of the memory, on boundaries of 2 MiB, in their order', () => {
    expect(placeModules([large, small], 64 * MIB)).toEqual([
      { file: large, address: 56 * MIB, bytes: 5 * MIB + 1 },
      { file: small, address: 62 * MIB, bytes: 4096 },
    ]);
    expect(placeModules([], 2 * MIB)).toEqual([]);
  });
  it('stays below the devices', () => {
    expect(placeModules([small], 8 * 1024 * MIB)[0]?.address).toBe(3 * 1024 * MIB - 2 * MIB);
  });
  it('says how much memory it takes when it is too little', () => {
    expect(() => placeModules([large, small], 12 * MIB)).toThrow(UsageError);
    expect(() => placeModules([large, small], 12 * MIB)).toThrow(/12 MiB of memory; .* at least 16M/);
    expect(placeModules([large, small], 16 * MIB)).toHaveLength(2);
  });
});

it('joins several for the firmware that takes one', () => {
  const one = { files: [small], joined: join(directory, 'one') };
  joinModules(one);
  expect(joinedModules(one)).toBe(small);
  const two = { files: [small, large], joined: join(directory, 'two') };
  joinModules(two);
  expect(readFileSync(joinedModules(two)).equals(Buffer.concat([small, large].map((path) => readFileSync(path))))).toBe(
    true,
  );
});
