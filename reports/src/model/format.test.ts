import { expect, it } from 'vitest';
import { formatNumber, formatP, formatTick, formatValue } from './format.ts';

it('numbers have three significant digits', () => {
  expect([0, 0.00123, 0.5, 1, 9.996, 15.25, 123.4, 22186].map(formatNumber)).toEqual([
    '0',
    '0.00123',
    '0.500',
    '1.00',
    '10.0',
    '15.3',
    '123',
    '22,186',
  ]);
});

it('figures have the unit that reads best', () => {
  expect(formatValue('throughput', 14.2e6)).toBe('14.2 M/s');
  expect(formatValue('throughput', 999_900)).toBe('1.00 M/s');
  expect(formatValue('latency-p99', 280)).toBe('280 ns');
  expect(formatValue('boot-time', 1.83e9)).toBe('1.83 s');
  expect(formatValue('least-memory', 8 * 2 ** 20)).toBe('8 MiB');
  expect(formatValue('loss', 0.012)).toBe('1.20 %');
  expect(formatValue('loss', 1e-6)).toBe('< 0.01 %');
});

it('ticks and p-values are short', () => {
  expect(formatTick('boot-time', 1.5e9)).toBe('1.5 s');
  expect(formatTick('boot-time', 1e9)).toBe('1 s');
  expect(formatTick('latency-p50', 500)).toBe('500 ns');
  expect(formatTick('instructions-per-request', 20_000)).toBe('20,000');
  expect(formatP(2 / 252)).toBe('= 0.008');
  expect(formatP(0.0001)).toBe('< 0.001');
});
