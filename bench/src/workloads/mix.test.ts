import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadMix, memcachedTraffic, mixNames } from './mix.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-mix-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('every mix of the project is valid', () => {
  expect(mixNames()).toEqual(['etc', 'get', 'get-set']);
  for (const name of mixNames()) expect(loadMix(name).source).not.toBe('');
});

it('ETC has the published parameters', () => {
  const etc = loadMix('etc');
  expect(etc.getShare).toBeCloseTo(30 / 31, 5);
  expect(etc.keySizes).toMatchObject({ location: 30.7984, scale: 8.20449, shape: 0.078688 });
  expect(etc.valueSizes).toMatchObject({ location: 0, scale: 214.476, shape: 0.348468 });
  expect(memcachedTraffic(etc, 7).keyspace.seed).toBe(7);
});

it('names the file and the field that are wrong', () => {
  const good = loadMix('get');
  writeFileSync(join(folder, 'get.json'), JSON.stringify({ ...good, getShare: 1.5 }));
  expect(() => loadMix('get', folder)).toThrow(/get\.json: field getShare/);
  writeFileSync(join(folder, 'torn.json'), '{"name":');
  expect(() => loadMix('torn', folder)).toThrow(/torn\.json: not JSON/);
  writeFileSync(join(folder, 'other.json'), JSON.stringify(good));
  expect(() => loadMix('other', folder)).toThrow(/must be the file's name/);
});

it('an unknown mix names the known ones', () => {
  expect(() => loadMix('usr')).toThrow('"usr" is not allowed. Allowed: etc, get, get-set.');
});
