import { execFileSync } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CorruptDatasetError,
  DatasetWriteError,
  DatasetWriter,
  makeProvenance,
  readDataset,
  type Sample,
} from './index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-dataset-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const provenance = makeProvenance({
  accelerator: 'tcg',
  host: { id: 'h', cpuModel: 'c', cpus: 2, memoryBytes: 1, kernel: 'k', virtualisation: 'kvm' },
  vmm: 'QEMU 7.2',
  node: 'v20',
  repository: { revision: 'r', dirty: false },
  kernelBuildId: 'b',
  imageBuildId: 'i',
  packages: {},
  seed: 1,
});

function sample(id: string): Sample {
  return {
    kind: 'sample',
    schema: 1,
    id,
    run: 'r',
    time: '2026-01-01T00:00:00.000Z',
    workload: 'memcached-udp',
    parameters: { window: 1 },
    subject: 'plumbline',
    variant: { name: 'default', values: { sched: 'spinlock' } },
    accelerator: 'tcg',
    placement: 'none',
    boot: { index: 0, id: 'b0' },
    metric: 'instructions-per-request',
    unit: 'instructions',
    value: 1000,
    disturbed: false,
    clientBound: false,
    provenance: provenance.id,
  };
}

describe('dataset files', () => {
  it('gives back what was stored, with a provenance once', async () => {
    const file = join(folder, 'run.jsonl');
    const writer = await DatasetWriter.open(file);
    await writer.append(provenance, sample('a'));
    await writer.append(provenance, sample('b'));
    await writer.close();
    const { records, tornBytes } = await readDataset(file);
    expect(records).toEqual([provenance, sample('a'), sample('b')]);
    expect(tornBytes).toBe(0);
  });

  it('cuts off the torn line of a killed run and goes on', async () => {
    const file = join(folder, 'run.jsonl');
    const first = await DatasetWriter.open(file);
    await first.append(provenance, sample('a'));
    await first.close();
    await appendFile(file, '{"kind":"sam');
    expect((await readDataset(file)).tornBytes).toBe(12);
    const second = await DatasetWriter.open(file);
    await second.append(provenance, sample('b'));
    await second.close();
    expect((await readDataset(file)).records).toEqual([provenance, sample('a'), sample('b')]);
  });

  it('names file, line and field of a corrupt line and changes nothing', async () => {
    const file = join(folder, 'run.jsonl');
    const bad = `${JSON.stringify(provenance)}\n${JSON.stringify({ ...sample('a'), metric: 'speed' })}\n`;
    await writeFile(file, bad);
    await expect(readDataset(file)).rejects.toThrow(/run\.jsonl:2: field metric: .*throughput/);
    await expect(DatasetWriter.open(file)).rejects.toBeInstanceOf(CorruptDatasetError);
    await writeFile(file, 'not json\n');
    await expect(readDataset(file)).rejects.toThrow(/run\.jsonl:1: not JSON/);
    expect(await readFile(file, 'utf8')).toBe('not json\n');
  });

  it('keeps every earlier line when the disk is full', async () => {
    const disk = join(folder, 'disk');
    execFileSync('mkdir', [disk]);
    // Needs root: a file system of 16 KiB stands in for a full disk.
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', disk]);
    try {
      const file = join(disk, 'run.jsonl');
      const writer = await DatasetWriter.open(file);
      await writer.append(provenance);
      let stored = 0;
      const fill = async () => {
        for (;;) {
          await writer.append(sample(`s${stored}`));
          stored += 1;
        }
      };
      await expect(fill()).rejects.toThrow(/the disk is full/);
      await expect(writer.append(sample('again'))).rejects.toBeInstanceOf(DatasetWriteError);
      await writer.close();
      const { records, tornBytes } = await readDataset(file);
      expect(tornBytes).toBe(0);
      expect(records.length).toBe(stored + 1);
      expect(stored).toBeGreaterThan(10);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
