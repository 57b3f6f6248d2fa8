import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatasetWriter, makeProvenance, readDataset } from '@plumbline/datasets';
import { PRESETS } from '@plumbline/variants';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SUBJECTS } from '../subjects/index.ts';
import { WORKLOADS } from '../workloads/index.ts';
import { planRun } from './plan.ts';
import { duration, TimeLeft } from './progress.ts';
import { BootRecorder } from './recorder.ts';
import { pointKey, type RunRequest } from './request.ts';
import { findRun, lastUnfinishedRun, newRun, readDone, saveRun, takeMeasurementLock } from './run-store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-runner-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const places = () => ({ runs: join(folder, 'runs'), results: join(folder, 'results') });

const request: RunRequest = {
  workloads: WORKLOADS.map((workload) => workload.id),
  subjects: SUBJECTS.map((subject) => subject.id),
  variants: Object.keys(PRESETS),
  boots: 5,
  accelerator: 'auto',
  scope: 'default',
  seed: 42,
};

describe('the plan', () => {
  const order = (seed: number) =>
    planRun({ ...request, seed }, 'kvm_pvm').boots.map((boot) => [
      boot.workload,
      boot.subject,
      boot.variant.name,
      boot.accelerator,
      boot.index,
    ]);

  it('is the same for a seed and another for another seed', () => {
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
  });

  it('meets every condition once a round, so that drift of the host meets all alike', () => {
    const { boots } = planRun(request, 'kvm_pvm');
    const conditions = boots.length / request.boots;
    for (let round = 0; round < request.boots; round += 1) {
      const part = boots.slice(round * conditions, (round + 1) * conditions);
      expect(part.every((boot) => boot.index === round)).toBe(true);
      expect(new Set(part.map((boot) => pointKey({ ...boot, parameters: {} }))).size).toBe(conditions);
    }
  });

  it('fits the times that the commands promise', () => {
    // Of twenty minutes the rest is for preparing, and for the report.
    expect(planRun(request, 'kvm_pvm').seconds).toBeLessThan(19.7 * 60);
    expect(planRun({ ...request, scope: 'quick', boots: 3 }, 'kvm_pvm').seconds).toBeLessThan(5.5 * 60);
  });

  it('never asks kvm_pvm for a Linux guest, and asks KVM for one', () => {
    const linux = (host: 'kvm' | 'kvm_pvm') =>
      new Set(
        planRun(request, host)
          .boots.filter((boot) => boot.subject === 'linux-guest')
          .map((boot) => boot.accelerator),
      );
    expect(linux('kvm_pvm')).toEqual(new Set(['tcg']));
    expect(linux('kvm')).toEqual(new Set(['kvm', 'tcg']));
  });

  it('measures nothing but the points that are asked for', () => {
    const only = [
      {
        workload: 'memcached-udp',
        subject: 'plumbline' as const,
        variant: 'halt',
        parameters: { mix: 'get', window: 1 },
      },
    ];
    const { boots } = planRun({ ...request, only }, 'kvm_pvm');
    expect(boots).toHaveLength(5);
    expect(boots[0]?.points.map((point) => point.parameters)).toEqual([{ mix: 'get', window: 1 }]);
  });

  it('names what does not exist and what does', () => {
    expect(() => planRun({ ...request, workloads: ['mysql'] }, 'kvm')).toThrow(/--workload: "mysql".*memcached-udp/);
    expect(() => planRun({ ...request, variants: ['idle=spin'] }, 'kvm')).toThrow(/idle cannot be 'spin'.*poll, halt/);
    expect(() => planRun({ ...request, subjects: ['nobody' as never] }, 'kvm')).toThrow(
      /--subject.*"nobody".*plumbline, plumbline-unmodified, echo/,
    );
  });
});

describe('an interrupted run', () => {
  const provenance = makeProvenance({
    accelerator: 'tcg',
    host: { id: 'h', cpuModel: 'c', cpus: 2, memoryBytes: 1, kernel: 'k', virtualisation: 'none' },
    vmm: 'QEMU',
    node: 'v20',
    repository: { revision: 'r', dirty: false },
    kernelBuildId: 'b',
    imageBuildId: 'i',
    packages: {},
    seed: 1,
  });

  const begin = () => {
    const state = newRun('bench', request, undefined, places());
    saveRun(state, places());
    return state;
  };

  it('is found again, knows what is done, and is forgotten when finished', async () => {
    const state = begin();
    const [plan] = planRun(request, 'kvm_pvm').boots;
    if (!plan) throw new Error('empty plan');
    const [first, second] = plan.points;
    if (!first) throw new Error('no points');
    const writer = await DatasetWriter.open(state.dataset);
    const recorder = new BootRecorder(writer, state.run, plan, () => provenance, new Set());
    await recorder.record(first, [{ metric: 'throughput', value: 1, placement: 'near' }]);
    if (second) await recorder.fail(second, 'panic', 'panic: x');
    await writer.close();

    const resumed = findRun(undefined, places());
    expect(resumed).toEqual(state);
    const done = await readDone(resumed);
    expect(done.has(pointKey({ ...plan, parameters: first.parameters }))).toBe(true);
    expect(done.has(pointKey({ ...plan, index: plan.index + 1, parameters: first.parameters }))).toBe(false);
    expect((await readDataset(state.dataset)).records.map((record) => record.kind)).toContain('sample');

    saveRun({ ...state, finished: true }, places());
    expect(lastUnfinishedRun(places())).toBeUndefined();
    expect(() => findRun(undefined, places())).toThrow(/no run was interrupted/);
  });

  it('a run that does not exist is named with those that do', () => {
    const state = begin();
    expect(() => findRun('nope', places())).toThrow(`"nope" is not allowed. Allowed: ${state.run}`);
    expect(() => findRun('../../etc', places())).toThrow(/not allowed/);
  });

  it('a damaged state is named and left alone', () => {
    const state = begin();
    const file = join(places().runs, state.run, 'state.json');
    writeFileSync(file, '{"version":1');
    expect(() => findRun(state.run, places())).toThrow(/state\.json: not the state of a run/);
    expect(readFileSync(file, 'utf8')).toBe('{"version":1');
  });
});

describe('the lock', () => {
  it('refuses a second measurement and survives a dead holder', () => {
    const file = join(places().runs, '.lock');
    const release = takeMeasurementLock(places());
    writeFileSync(file, '1');
    expect(() => takeMeasurementLock(places())).toThrow(/process 1/);
    writeFileSync(file, String(2 ** 22 + 1));
    takeMeasurementLock(places())();
    release();
    expect(existsSync(file)).toBe(false);
  });
});

describe('progress', () => {
  it('learns the pace', () => {
    let now = 0;
    const left = new TimeLeft(100, () => now);
    expect(left.seconds()).toBe(100);
    now = 60_000;
    left.finish(20);
    expect(left.seconds()).toBeCloseTo((80 * 80) / 40);
  });
  it('says times as people do', () => {
    expect([duration(0.2), duration(59.4), duration(200)]).toEqual(['0 s', '59 s', '3 min 20 s']);
  });
});
