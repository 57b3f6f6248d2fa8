import { group } from 'd3';
import type { RatioChart, RatioRow } from './chart-data.ts';
import type { Comparison } from './comparison.ts';
import { type Figure, seriesKey } from './figure.ts';
import { formatRatio } from './format.ts';
import { METRIC_ORDER, METRICS } from './metric.ts';
import { compareParameters, parametersLabel, sweepOf, varyingParameters, withoutSweep } from './point-label.ts';
import type { Series } from './series.ts';

/** What one row of the forest says. */
export function ratioRow(
  comparison: Comparison,
  against: (figure: Figure) => string = ({ subject }) => subject,
): RatioRow {
  const { subject, baseline } = comparison;
  const sweep = sweepOf(subject.parameters);
  return {
    key: seriesKey(subject),
    label: sweep === null ? '' : `${sweep.name} ${sweep.value}`,
    metric: subject.metric,
    words: METRICS[subject.metric].ratioWords,
    ratio: comparison.ratio,
    low: comparison.interval?.low ?? null,
    high: comparison.interval?.high ?? null,
    p: comparison.p,
    verdict: comparison.verdict,
    placement: comparison.placement,
    boots: comparison.boots,
    baseline: against(baseline),
  };
}

/** What a forest of ratios is called, and what its baselines are. */
type Forest = Pick<RatioChart, 'id' | 'title' | 'subtitle' | 'against'> & { nameOf: (baseline: Figure) => string };

const TO_LINUX: Forest = {
  id: 'ratio-to-linux',
  title: 'Times better than Linux',
  subtitle: 'Ratio of medians with its 95 % interval; right of 1 is better than Linux, whichever way the metric runs',
  against: 'Linux',
  nameOf: ({ subject }) => subject,
};

const TO_COPY: Forest = {
  id: 'zero-copy-to-copy',
  title: 'Zero-copy against copy',
  subtitle:
    'Ratio of medians with its 95 % interval: the kernel’s zero-copy queues against its copying ones; right of 1 is better',
  against: 'copy',
  nameOf: ({ variant }) => variant.name,
};

/** Every ratio to Linux as a forest plot. Null when there is none. */
export function ratioChart(comparisons: readonly Comparison[], series: readonly Series[]): RatioChart | null {
  return forest(comparisons, series, TO_LINUX);
}

/** Zero-copy against copy as a forest plot, which says where it loses. Null when both were not measured. */
export function queuesChart(comparisons: readonly Comparison[], series: readonly Series[]): RatioChart | null {
  const chart = forest(comparisons, series, TO_COPY);
  if (chart === null) return null;
  return { ...chart, notes: [...losses(comparisons), ...chart.notes] };
}

/** Where zero-copy loses, and where nobody can say yet. */
export function losses(comparisons: readonly Comparison[]): string[] {
  const places = (those: readonly Comparison[]): string =>
    those
      .map(({ subject: { workload, parameters, metric, subject }, ratio }) => {
        const what = `${METRICS[metric].short} of ${subject} (${formatRatio(ratio)})`;
        return `${workload}, ${parametersLabel(parameters)}: ${what}`;
      })
      .join('; ');
  const judged = comparisons.filter((c) => c.verdict !== 'points only');
  const lost = judged.filter((c) => c.verdict === 'worse');
  const unsure = comparisons.filter((c) => c.verdict === 'points only' && c.ratio < 1);
  const verdict =
    lost.length > 0
      ? `Zero-copy loses at: ${places(lost)}.`
      : judged.length > 0
        ? 'Zero-copy loses at no point that could be compared.'
        : 'At no point are there enough boots to say whether zero-copy loses.';
  return [verdict, ...(unsure.length > 0 ? [`Below 1, too few boots to say: ${places(unsure)}.`] : [])];
}

function forest(comparisons: readonly Comparison[], series: readonly Series[], about: Forest): RatioChart | null {
  if (comparisons.length === 0) return null;
  const place = (c: Comparison) => series.findIndex((s) => s.key === seriesKey(c.subject));
  const sorted = [...comparisons].sort(
    (a, b) =>
      (a.subject.workload < b.subject.workload ? 1 : a.subject.workload > b.subject.workload ? -1 : 0) ||
      METRIC_ORDER.indexOf(a.subject.metric) - METRIC_ORDER.indexOf(b.subject.metric) ||
      place(a) - place(b) ||
      compareParameters(a.subject.parameters, b.subject.parameters),
  );
  const groups = group(sorted, ({ subject, baseline }) => {
    const { workload, metric, parameters, accelerator } = subject;
    // What is the same in all of a workload's points says nothing here; the table has it.
    const varying = varyingParameters(comparisons.map((c) => c.subject).filter((f) => f.workload === workload));
    const rest = parametersLabel(withoutSweep(parameters), varying);
    const detail = [workload, rest, `${accelerator}, against ${about.nameOf(baseline)}`].filter((part) => part !== '');
    return `${METRICS[metric].label}\n${detail.join(' · ')}`;
  });
  const few = comparisons.filter((c) => c.verdict === 'points only').length;
  const placements = [...new Set(comparisons.map((c) => c.placement))].filter((p) => p !== 'none');
  return {
    kind: 'ratio',
    id: about.id,
    title: about.title,
    subtitle: about.subtitle,
    against: about.against,
    notes: [
      ...(few > 0
        ? [
            `${few} ratio${few === 1 ? ' has' : 's have'} fewer than five boots on a side: drawn hollow, without interval or verdict.`,
          ]
        : []),
      ...(placements.length > 1
        ? [
            `Judged in the placement with the most slices common to both sides: ${placements.join(', ')} (see the table).`,
          ]
        : []),
    ],
    groups: [...groups].map(([name, own]) => {
      const [label = '', detail = ''] = name.split('\n');
      const blocks = group(own, (c) => seriesKey(c.subject));
      return {
        label,
        detail,
        blocks: [...blocks].map(([key, block]) => ({ key, rows: block.map((c) => ratioRow(c, about.nameOf)) })),
      };
    }),
  };
}
