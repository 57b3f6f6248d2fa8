import type { MetricName } from '@plumbline/datasets';

/** Three significant digits, thousands separated, without an exponent. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  // Rounded first: 9.996 is 10.0, not 10.00.
  const size = Math.abs(Number(value.toPrecision(3)));
  if (size >= 100) return value < 0 ? '-100' : '100';
  if (size === 0) return '0';
  const digits = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(size))));
  return value.toFixed(digits);
}

function scaled(value: number, steps: readonly [number, string][]): string {
  const step = steps.find(([size]) => Math.abs(value) >= size * 0.9995) ?? steps.at(-1);
  return step === undefined ? formatNumber(value) : `${formatNumber(value / step[0])} ${step[1]}`;
}

/** Seconds, milliseconds, microseconds or nanoseconds, whichever reads best. */
export function formatDuration(nanoseconds: number): string {
  return scaled(nanoseconds, [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ]);
}

/** A rate in requests a second. */
export function formatRate(rate: number): string {
  return scaled(rate, [
    [1e6, 'M/s'],
    [1e3, 'k/s'],
    [1, '/s'],
  ]);
}

/** Bits a second. */
export function formatBandwidth(bits: number): string {
  return scaled(bits, [
    [1e9, 'Gbit/s'],
    [1e6, 'Mbit/s'],
    [1e3, 'kbit/s'],
    [1, 'bit/s'],
  ]);
}

/** Binary multiples of a byte. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, [
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
    [1, 'B'],
  ]);
}

/** A share of 0 to 1. */
export function formatShare(share: number): string {
  if (share === 0) return '0 %';
  return share < 0.00005 ? '< 0.01 %' : `${formatNumber(share * 100)} %`;
}

/** A figure of a metric with its unit. */
export function formatValue(metric: MetricName, value: number): string {
  switch (metric) {
    case 'throughput':
      return formatRate(value);
    case 'bandwidth':
      return formatBandwidth(value);
    case 'instructions-per-request':
    case 'copies-per-request':
    case 'instructions-per-operation':
      return formatNumber(value);
    case 'bytes-copied-per-request':
    case 'least-memory':
    case 'image-size':
      // Sizes are exact: 6 MiB, not 6.00 MiB.
      return formatBytes(value).replace(/\.0+(?= )/, '');
    case 'loss':
      return formatShare(value);
    default:
      return formatDuration(value);
  }
}

/** A figure as the label of a tick: without the zeros that only precision needs, `1.5 s`. */
export function formatTick(metric: MetricName, value: number): string {
  if (value === 0) return '0';
  return formatValue(metric, value)
    .replace(/(\.\d*?)0+(?= |$)/, '$1')
    .replace(/\.(?= |$)/, '');
}

/** A p-value: three decimals say what there is to say. */
export function formatP(p: number): string {
  return p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`;
}

/** A ratio, `15.2×`. */
export function formatRatio(ratio: number): string {
  return `${formatNumber(ratio)}×`;
}
