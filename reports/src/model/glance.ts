import type { MetricName } from '@plumbline/datasets';
import type { Comparison } from './comparison.ts';
import { type Figure, pointKey, seriesKey } from './figure.ts';
import { formatNumber, formatRatio, formatValue } from './format.ts';
import { METRICS } from './metric.ts';
import { parametersLabel, sweepOf } from './point-label.ts';
import type { Series } from './series.ts';

/** One headline: a figure in large type and what it means in small. */
export type Headline = { label: string; value: string; detail: string };

/** The point that headlines quote: enough requests under way for both sides to be busy. */
const HEADLINE_SWEEP = 128;

const distance = (c: Comparison) =>
  Math.abs(Math.log((sweepOf(c.subject.parameters)?.value ?? HEADLINE_SWEEP) / HEADLINE_SWEEP));

function ratioHeadline(label: string, comparison: Comparison): Headline {
  const { subject, interval, ratio, baseline, placement } = comparison;
  const where = [
    parametersLabel(subject.parameters),
    placement === 'none' ? subject.accelerator : `${subject.accelerator}, cores ${placement}`,
  ].filter((part) => part !== '');
  const spread =
    interval === null
      ? 'too few boots for an interval'
      : `95 % interval ${formatNumber(interval.low)} to ${formatNumber(interval.high)}`;
  return {
    label,
    value: formatRatio(ratio),
    detail: `${METRICS[subject.metric].ratioWords} against ${baseline.subject}; ${spread} (${where.join(', ')})`,
  };
}

function figureHeadline(label: string, figure: Figure): Headline {
  const { metric, median, interval, accelerator, boots } = figure;
  const format = (value: number) => formatValue(metric, value);
  const spread = interval === null ? '' : `, interval ${format(interval.low)} to ${format(interval.high)}`;
  return {
    label,
    value: format(median ?? 0),
    detail: `median of ${boots} boot${boots === 1 ? '' : 's'} on ${accelerator}${spread}`,
  };
}

/** The few figures that a reader wants first, of the first of our series; each is in charts and tables again. */
export function headlines(
  figures: readonly Figure[],
  comparisons: readonly Comparison[],
  series: readonly Series[],
): Headline[] {
  const ours = series.find((s) => s.subject === 'plumbline')?.key;
  // Of points equally near, the one that most subjects were measured at, for one the limit of the pair.
  const company = (c: Comparison) =>
    new Set(figures.filter((f) => pointKey(f) === pointKey(c.subject)).map((f) => seriesKey(f))).size;
  const best = (metric: MetricName) =>
    comparisons
      .filter((c) => c.subject.metric === metric && seriesKey(c.subject) === ours)
      .sort((a, b) => distance(a) - distance(b) || company(b) - company(a))[0];
  const ratios = [
    ['Throughput', best('throughput')],
    ['99th percentile of latency', best('latency-p99')],
    ['Instructions per request', best('instructions-per-request')],
  ] as const;
  const own = (metric: MetricName) => {
    const found = figures.filter((f) => f.metric === metric && seriesKey(f) === ours && f.median !== null);
    return found.find((f) => f.accelerator !== 'tcg') ?? found[0];
  };
  const values = [
    ['Boot to first answer', own('boot-time')],
    ['Least memory', own('least-memory')],
  ] as const;
  return [
    ...ratios.flatMap(([label, comparison]) => (comparison === undefined ? [] : [ratioHeadline(label, comparison)])),
    ...values.flatMap(([label, figure]) => (figure === undefined ? [] : [figureHeadline(label, figure)])),
  ];
}
