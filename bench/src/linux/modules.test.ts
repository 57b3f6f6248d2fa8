import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { moduleDependencies, readModules } from './modules.ts';

const directory = mkdtempSync(join(tmpdir(), 'plumbline-modules-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function module(depends: string): Buffer {
  return Buffer.from(`\x7fELF...\0license=GPL\0depends=${depends}\0name=x\0`);
}

describe('readModules', () => {
  mkdirSync(join(directory, 'kernel/drivers/net'), { recursive: true });
  writeFileSync(join(directory, 'kernel/drivers/net/top-level.ko'), module('middle,base'));
  writeFileSync(join(directory, 'kernel/drivers/middle.ko'), module('base'));
  writeFileSync(join(directory, 'kernel/base.ko.xz'), execFileSync('xz', ['-c'], { input: module('') }));
  writeFileSync(join(directory, 'kernel/broken.ko'), module('absent'));

  it('puts what others depend on first, once, uncompressed', async () => {
    const modules = await readModules(directory, ['top_level', 'middle', 'not_in_this_release']);
    expect(modules.map(({ file }) => file)).toEqual(['base.ko', 'middle.ko', 'top_level.ko']);
    expect(modules[0]?.data.equals(module(''))).toBe(true);
  });
  it('names a dependency that is missing', async () => {
    await expect(readModules(directory, ['broken'])).rejects.toThrow(/kernel module absent is not below/);
  });
});

describe('moduleDependencies', () => {
  it('reads none where the field is absent or empty', () => {
    expect(moduleDependencies(Buffer.from('no field'))).toEqual([]);
    expect(moduleDependencies(module(''))).toEqual([]);
  });
});
