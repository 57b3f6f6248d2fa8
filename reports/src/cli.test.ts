import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CorruptDatasetError } from '@plumbline/datasets';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from './cli.ts';
import { loadRun } from './load-run.ts';
import { syntheticRun } from './testing/synthetic.ts';

let folder: string;
let printed: string;
let complained: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-report-'));
  printed = '';
  complained = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    complained += String(text);
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

async function storeRun(name: string, time: string): Promise<void> {
  const run = syntheticRun();
  const records = [
    ...run.provenance,
    ...[...run.runs, ...run.samples, ...run.failures].map((record) => ({ ...record, run: name, time })),
  ];
  await writeFile(join(folder, `${name}.jsonl`), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}

describe('npm run report', () => {
  it('makes page, drawings, summaries and table of the latest run', async () => {
    await storeRun('z-old', '2026-01-01T00:00:00.000Z');
    await storeRun('a-new', '2026-02-01T00:00:00.000Z');
    const out = join(folder, 'out');
    const json = join(folder, 'summaries.json');
    expect(await main(['--datasets', folder, '--out', out, '--json', json])).toBe(0);
    expect(printed).toContain('run a-new');
    expect(printed).toContain('memcached-udp: Throughput');
    const files = await readdir(out);
    expect(files.filter((file) => file.endsWith('.svg'))).toHaveLength(9);
    expect(files.filter((file) => !file.endsWith('.svg'))).toEqual(['index.html']);
    expect(JSON.parse(await readFile(json, 'utf8')).length).toBeGreaterThan(50);
    expect((await loadRun(folder, 'z-old')).run).toBe('z-old');
  });

  it('names the runs there are when the one asked for is not', async () => {
    await storeRun('one', '2026-01-01T00:00:00.000Z');
    expect(await main(['--datasets', folder, '--run', 'two', '--out', join(folder, 'out')])).toBe(64);
    expect(complained).toMatch(/--run two: no such run in .*; there are: one, or say latest/);
  });

  it('says how to get a run when there is none', async () => {
    expect(await main(['--datasets', join(folder, 'nowhere')])).toBe(66);
    expect(complained).toContain('npm run bench');
  });

  it('names file, line and field of a corrupt line', async () => {
    await storeRun('one', '2026-01-01T00:00:00.000Z');
    await writeFile(join(folder, 'two.jsonl'), '{"kind":"sample"}\n');
    expect(await main(['--datasets', folder])).toBe(65);
    expect(complained).toMatch(/two\.jsonl:1: field/);
    await expect(loadRun(folder, 'latest')).rejects.toBeInstanceOf(CorruptDatasetError);
  });

  it('refuses unknown options with the usual exit code, and helps', async () => {
    expect(await main(['--bogus'])).toBe(64);
    expect(complained).toContain('--bogus');
    expect(await main(['--help'])).toBe(0);
    expect(printed).toContain('--run <id>');
  });

  it('reports a folder that cannot be written', async () => {
    await storeRun('one', '2026-01-01T00:00:00.000Z');
    const blocked = join(folder, 'file');
    await writeFile(blocked, '');
    expect(await main(['--datasets', folder, '--out', join(blocked, 'out')])).toBe(74);
    expect(complained).toMatch(/ENOTDIR|EEXIST/);
  });
});
