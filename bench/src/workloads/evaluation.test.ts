import { describe, expect, it } from 'vitest';
import type { RunResult } from '../generator/protocol.ts';
import { disturbance, figuresOf, isClientBound, isDisturbed } from './evaluation.ts';

type GeneratorSlice = RunResult['slices'][number];

const counters = {
  sent: 1000,
  replies: 1000,
  lost: 0,
  late: 0,
  duplicates: 0,
  bad: 0,
  unexpected: 0,
  gets: 1000,
  sets: 0,
  hits: 1000,
  misses: 0,
  stored: 0,
  verified: 0,
  bytesSent: 0,
  bytesReceived: 0,
  opened: 0,
  retransmissions: 0,
  resets: 0,
};

function slice(changes: Partial<GeneratorSlice> = {}): GeneratorSlice {
  return {
    ...counters,
    index: 0,
    phase: 'measure',
    startNs: 1,
    durationNs: 100_000_000,
    placement: 'near',
    rttBeforeNs: 50,
    rttAfterNs: 50,
    busyShare: 0.3,
    ownLoss: 0,
    txFull: 0,
    polls: 1,
    rxBursts: 1,
    largestBurst: 1,
    offCpuNs: 0,
    stealNs: 0,
    longestLagNs: 0,
    ...changes,
  };
}

function result(slices: GeneratorSlice[]): RunResult {
  const placements = [...new Set(slices.map((item) => item.placement))].map((placement) => {
    const own = slices.filter((item) => item.placement === placement);
    const sum = (name: 'sent' | 'replies' | 'lost' | 'late' | 'durationNs'): number =>
      own.reduce((total, item) => total + item[name], 0);
    return {
      placement,
      slices: own.length,
      durationNs: sum('durationNs'),
      sent: sum('sent'),
      replies: sum('replies'),
      lost: sum('lost'),
      late: sum('late'),
      rate: 0,
      busyShare: 0,
      latency: {
        count: 3,
        minimumNs: 1,
        p50Ns: 2,
        p99Ns: 3,
        p999Ns: 4,
        maximumNs: 5,
        histogram: [
          [2, 3],
          [3, 0],
        ] as [number, number][],
      },
      connectLatency: null,
    };
  });
  return {
    event: 'result',
    id: 1,
    stopped: false,
    steady: true,
    warmupNs: 0,
    totals: counters,
    slices,
    placements,
    firstBad: null,
  };
}

const throughput = (figures: ReturnType<typeof figuresOf>) =>
  figures.filter((figure) => figure.metric === 'throughput');

describe('a slice', () => {
  it('is discarded for what the host or the generator did, never for loss in the subject', () => {
    expect(disturbance(slice({ ownLoss: 1 }))).toMatch(/generator/);
    expect(disturbance(slice({ stealNs: 20_000_000 }))).toMatch(/stolen/);
    expect(disturbance(slice({ offCpuNs: 10_000_000 }))).toMatch(/off its CPU/);
    expect(disturbance(slice({ lost: 500, stealNs: 10_000_000 }))).toBeUndefined();
  });
  it('and more than a quarter of them disturb the point', () => {
    const bad = slice({ ownLoss: 1 });
    expect(isDisturbed(result([slice(), slice(), slice(), bad]))).toBe(false);
    expect(isDisturbed(result([slice(), slice(), bad, bad]))).toBe(true);
    expect(isDisturbed(result([slice({ phase: 'warmup' })]))).toBe(true);
  });
});

describe('figures', () => {
  it('are one set for each placement that held for three slices, and never mixed', () => {
    const far = { placement: 'far', replies: 500 } as const;
    const figures = figuresOf(
      result([slice(), slice(), slice(), slice(far), slice(far), slice(far), slice({ placement: 'mixed' })]),
      'plumbline',
      1,
      false,
      {},
    );
    expect(throughput(figures).map(({ placement, value }) => [placement, Math.round(value)])).toEqual([
      ['near', 10_000],
      ['far', 5_000],
    ]);
    expect(figures.find((figure) => figure.metric === 'latency-p50')?.histogram).toEqual([[2, 3]]);
  });
  it('count the rate of undisturbed slices and keep the others, marked', () => {
    const figures = figuresOf(
      result([slice(), slice(), slice(), slice({ replies: 1, ownLoss: 3 })]),
      'plumbline',
      1,
      false,
      {},
    );
    expect(throughput(figures)[0]?.value).toBeCloseTo(10_000);
    expect(throughput(figures)[0]?.slices?.map((item) => item.discarded)).toEqual([
      undefined,
      undefined,
      undefined,
      '3 packets lost in the generator',
    ]);
  });
  it('name the share of lost requests', () => {
    const lossy = slice({ lost: 250, replies: 750 });
    expect(
      figuresOf(result([lossy, lossy, lossy]), 'linux-host', 1, false, {}).find((figure) => figure.metric === 'loss')
        ?.value,
    ).toBe(0.25);
  });
});

describe('the generator as the limit', () => {
  it('spoils a figure, except for echo and for a saturated server process', () => {
    expect(isClientBound('plumbline', 0.81, 1)).toBe(true);
    expect(isClientBound('plumbline', 0.8, 1)).toBe(false);
    expect(isClientBound('echo', 0.99, 1)).toBe(false);
    expect(isClientBound('linux-host', 0.9, 0.97)).toBe(false);
    expect(isClientBound('linux-host', 0.9, 0.7)).toBe(true);
    expect(isClientBound('linux-host', 0.9, undefined)).toBe(true);
  });
});
