import type { MetricName } from '@plumbline/datasets';
import { group } from 'd3';
import { type PanelsChart, type StatRow, statOf } from './chart-data.ts';
import { type Figure, seriesKey } from './figure.ts';
import { formatBytes, formatNumber } from './format.ts';
import { chartPlacement } from './load-charts.ts';
import { METRICS } from './metric.ts';
import { compareParameters, parametersLabel } from './point-label.ts';
import { bySeries, type Series, seriesLabelOf } from './series.ts';

function rowsOf(figures: readonly Figure[], series: readonly Series[]): StatRow[] {
  return [...figures].sort(bySeries(series)).map((figure) => ({
    key: seriesKey(figure),
    label: seriesLabelOf(series, figure),
    metric: figure.metric,
    stat: statOf(figure),
  }));
}

/** Bandwidth of streams, a panel a direction, by the size of the program's messages. Null when none was measured. */
export function bandwidthChart(figures: readonly Figure[], series: readonly Series[]): PanelsChart | null {
  const all = figures.filter((f) => f.metric === 'bandwidth');
  if (all.length === 0) return null;
  const placement = chartPlacement(all);
  const drawn = all.filter((f) => f.placement === placement);
  const left = drawn.flatMap((f) => f.points).filter((point) => point.excluded !== null).length;
  const accelerators = [...new Set(drawn.map((f) => f.accelerator))].filter((a) => a !== 'none').join(', ');
  return {
    kind: 'bandwidth',
    id: 'bandwidth',
    title: 'Bandwidth of a stream by the size of messages',
    subtitle: `Payload on one connection; guests on ${accelerators || 'none'} · cores ${placement}`,
    notes:
      left === 0
        ? []
        : [`${left} of these measurements were disturbed or limited by the load generator: crosses, in no median.`],
    panels: [...group(drawn, (f) => String(f.parameters.direction))]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([direction, own]) => ({
        label: direction.replaceAll('-', ' '),
        metric: 'bandwidth',
        groups: [...group(own, (f) => Number(f.parameters.message))]
          .sort(([a], [b]) => a - b)
          .map(([message, alike]) => ({ label: `messages of ${formatBytes(message)}`, rows: rowsOf(alike, series) })),
      })),
  };
}

const COPY_METRICS: readonly MetricName[] = ['copies-per-request', 'bytes-copied-per-request'];

/** Copies of payload for each request or message, and their bytes. Null when they were not counted. */
export function copiesChart(figures: readonly Figure[], series: readonly Series[]): PanelsChart | null {
  const counted = figures.filter((f) => COPY_METRICS.includes(f.metric));
  if (counted.length === 0) return null;
  const where = (f: Figure): string => [f.workload, parametersLabel(f.parameters)].filter((part) => part).join(': ');
  const ways = counted
    .filter((f) => f.metric === 'copies-per-request')
    .sort((a, b) => (where(a) < where(b) ? -1 : where(a) > where(b) ? 1 : bySeries(series)(a, b)))
    .map((f) => {
      const parts = Object.entries(f.parts).filter(([, value]) => value >= 0.005);
      const words = parts.map(([way, value]) => `${way.replaceAll('-', ' ')} ${formatNumber(value)}`);
      return `${where(f)}, ${seriesLabelOf(series, f)}: ${words.length === 0 ? 'no copy' : words.join(', ')}.`;
    });
  return {
    kind: 'copies',
    id: 'copies-per-request',
    title: 'Copies of payload per request',
    subtitle: 'Counted by the kernel on each way of TCP’s payload through memory, the program’s own call included',
    notes: ways,
    panels: COPY_METRICS.map((metric) => ({
      label: METRICS[metric].label,
      metric,
      groups: [
        ...group(
          counted.filter((f) => f.metric === metric),
          where,
        ).values(),
      ]
        .sort((a, b) => {
          const [first, second] = [a[0], b[0]];
          if (first === undefined || second === undefined) return 0;
          return first.workload === second.workload
            ? compareParameters(first.parameters, second.parameters)
            : first.workload < second.workload
              ? -1
              : 1;
        })
        .map((alike) => ({ label: where(alike[0] as Figure), rows: rowsOf(alike, series) })),
    })).filter(({ groups }) => groups.length > 0),
  };
}
