import { describe, expect, it } from 'vitest';
import type { RunResult } from '../generator/protocol.ts';
import { costOfMore } from './counted.ts';
import { brokenStream, type Load } from './load.ts';

describe('what each request more costs', () => {
  it('leaves out what both runs have once each', () => {
    // 5,000 instructions for opening and closing, 300 and 40 for each request.
    const run = (requests: number) => ({ busy: 5000 / requests + 300, user: 40 });
    const cost = costOfMore(run(10_000), 10_000, run(1_000), 1_000);
    expect(cost.busy).toBeCloseTo(300, 9);
    expect(cost.user).toBeCloseTo(40, 9);
  });
  it('is not known from runs of one length', () => {
    expect(() => costOfMore({ busy: 1 }, 10, { busy: 1 }, 10)).toThrow(/10 requests is not longer/);
  });
});

describe('a stream', () => {
  const totals = (resets: number) => ({ totals: { resets, opened: 3 } }) as RunResult;
  const load = (protocol: string) => ({ traffic: { protocol } }) as Load;
  it('whose connection ended unasked is no measurement; other loads count what they lost', () => {
    expect(brokenStream(load('stream'), totals(2))).toMatch(/^2 of 3 connections of the stream ended/);
    expect(brokenStream(load('stream'), totals(0))).toBeUndefined();
    expect(brokenStream(load('echo'), totals(2))).toBeUndefined();
  });
});
