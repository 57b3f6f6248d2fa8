import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import {
  cpuTimeBetween,
  histogramOfEntries,
  parseHostCpuTimes,
  parseLoadAverage,
  parseThreadStat,
  readHostLoad,
  readThread,
  readThreads,
  stealShare,
} from './index.ts';

describe('threads', () => {
  it('finds the fields behind a name with spaces and parentheses', () => {
    const numbers = Array.from({ length: 49 }, (_, index) => index + 4);
    const parsed = parseThreadStat(`42 (CPU 0/KVM) (x) S ${numbers.join(' ')}\n`);
    expect(parsed).toEqual({
      tid: 42,
      name: 'CPU 0/KVM) (x',
      state: 'S',
      processor: 39,
      userNs: 14 * 1e7,
      systemNs: 15 * 1e7,
    });
  });

  it('sees the CPU time and switches of another process', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdout.write("x"); for (;;) {}'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const pid = child.pid ?? 0;
      const before = readThreads(pid);
      // A whole loop is only as long as the CPU lets it: wait for CPU time, not for the clock.
      let spent = 0;
      for (let tries = 0; spent < 20e6 && tries < 500; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        spent = cpuTimeBetween(before, readThreads(pid), [pid]);
      }
      expect(spent).toBeGreaterThanOrEqual(20e6);
      expect(readThread(pid, pid).userNs).toBeGreaterThan(0);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('says so when the process is gone', () => {
    expect(() => readThreads(2 ** 22 + 1)).toThrow();
  });
});

describe('host', () => {
  const stat = 'cpu  10 0 20 60 0 0 0 10 0 0\ncpu0 5 0 10 30 0 0 0 5 0 0\n';
  it('parses the summary and one CPU', () => {
    expect(parseHostCpuTimes(stat).steal).toBe(10);
    expect(parseHostCpuTimes(stat, 0).system).toBe(10);
    expect(() => parseHostCpuTimes(stat, 7)).toThrow(/cpu7/);
  });
  it('gives the share of steal between two readings', () => {
    const before = parseHostCpuTimes(stat);
    expect(stealShare(before, { ...before, steal: 40, idle: 130 })).toBeCloseTo(0.3);
    expect(stealShare(before, before)).toBe(0);
  });
  it('reads this host', () => {
    expect(parseLoadAverage('0.52 0.58 0.59 1/467 1234\n')).toBe(0.52);
    expect(readHostLoad().times.user).toBeGreaterThan(0);
  });
});

describe('histogram', () => {
  it('keeps durations of performance entries in ns', () => {
    performance.measure('one', { start: 0, duration: 0.002 });
    performance.measure('two', { start: 0, duration: 3 });
    const histogram = histogramOfEntries(performance.getEntriesByType('measure'));
    expect(histogram.totalCount).toBe(2);
    expect(histogram.minNonZeroValue).toBe(2000);
    expect(histogram.maxValue).toBeGreaterThanOrEqual(3_000_000);
  });
});
