import type { MetricName } from '@plumbline/datasets';
import { group } from 'd3';
import { type InstructionsChart, type PanelsChart, statOf } from './chart-data.ts';
import { canonical, type Figure, seriesKey } from './figure.ts';
import { METRICS } from './metric.ts';
import { compareParameters, parametersLabel, varyingParameters } from './point-label.ts';
import { bySeries, type Series, seriesLabelOf } from './series.ts';

/** The parts that are stacked; `rep` and the number of halts are counted inside of them. */
const STACKED: readonly { name: string; busy: boolean }[] = [
  { name: 'user', busy: true },
  { name: 'kernel', busy: true },
  { name: 'idle', busy: false },
];

/** Instructions per request, by parts, for every workload that was counted. Null when none was. */
export function instructionsChart(figures: readonly Figure[], series: readonly Series[]): InstructionsChart | null {
  const counted = figures.filter((f) => f.metric === 'instructions-per-request');
  if (counted.length === 0) return null;
  const several = new Set(counted.map((f) => f.workload)).size > 1;
  const pointLabel = (figure: Figure | undefined): string => {
    if (figure === undefined) return '';
    const words = parametersLabel(figure.parameters);
    return several || words === '' ? [figure.workload, words].filter((part) => part !== '').join(': ') : words;
  };
  const groups = [...group(counted, (f) => JSON.stringify([f.workload, canonical(f.parameters)])).values()]
    .sort(
      (a, b) =>
        (a[0]?.workload ?? '').localeCompare(b[0]?.workload ?? '', 'en') ||
        compareParameters(a[0]?.parameters ?? {}, b[0]?.parameters ?? {}),
    )
    .map((own) => ({
      label: pointLabel(own[0]),
      rows: [...own].sort(bySeries(series)).map((figure) => ({
        key: seriesKey(figure),
        total: statOf(figure),
        parts: STACKED.flatMap(({ name, busy }) => {
          const value = figure.parts[name] ?? 0;
          return value > 0 ? [{ name, value, busy }] : [];
        }),
      })),
    }));
  const accelerators = [...new Set(counted.map((f) => f.accelerator))].join(', ');
  return {
    kind: 'instructions',
    id: 'instructions-per-request',
    title: 'Instructions per request',
    subtitle: `Guest instructions counted under ${accelerators}: exact, but blind to caches, exits and contention`,
    notes: [
      'Fewer instructions are not the same factor less time. Idle instructions (polling and halting) are not part of the figure.',
    ],
    groups,
  };
}

const tier = (figure: Figure) =>
  figure.accelerator === 'tcg' ? 'TCG' : figure.accelerator === 'none' ? 'host' : `KVM (${figure.accelerator})`;

function panels(
  figures: readonly Figure[],
  series: readonly Series[],
  metrics: readonly MetricName[],
  split: (figure: Figure) => string,
): PanelsChart['panels'] {
  return [...group(figures, split)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) => ({
      label: name,
      metric: own[0]?.metric ?? 'boot-time',
      groups: metrics
        .map((metric) => ({
          label: METRICS[metric].label,
          rows: own
            .filter((f) => f.metric === metric)
            .sort((a, b) => bySeries(series)(a, b) || compareParameters(a.parameters, b.parameters))
            .map((f) => {
              const alike = own.filter((o) => o.metric === metric && seriesKey(o) === seriesKey(f));
              const apart = [
                ...(new Set(alike.map((o) => o.accelerator)).size > 1 ? [f.accelerator] : []),
                parametersLabel(f.parameters, varyingParameters(alike)),
              ];
              const detail = apart.filter((part) => part !== '').join(', ');
              return {
                key: seriesKey(f),
                label: detail === '' ? seriesLabelOf(series, f) : `${seriesLabelOf(series, f)} (${detail})`,
                metric,
                stat: statOf(f),
              };
            }),
        }))
        .filter(({ rows }) => rows.length > 0),
    }));
}

/** Boot times, a panel an accelerator. Null when no boot was timed. */
export function bootChart(figures: readonly Figure[], series: readonly Series[]): PanelsChart | null {
  const metrics: MetricName[] = ['boot-time', 'guest-boot-time'];
  // A workload that only counts the guest's own part does so in virtual time: not beside boots that were timed.
  const booted = new Set(figures.filter((f) => f.metric === 'boot-time').map((f) => f.workload));
  const timed = figures.filter((f) => metrics.includes(f.metric) && booted.has(f.workload));
  if (timed.length === 0) return null;
  return {
    kind: 'boot',
    id: 'boot',
    title: 'Boot time',
    subtitle: 'From the start of the VMM to the first answer, and the guest’s own part of it; one panel an accelerator',
    notes: timed.some((f) => f.accelerator === 'tcg')
      ? [
          'The panels have scales of their own: a boot under TCG says nothing about one on KVM, and no ratio is drawn between them.',
        ]
      : [],
    panels: panels(timed, series, metrics, tier),
  };
}

/** Least memory and image size. Null when neither was measured. */
export function footprintChart(figures: readonly Figure[], series: readonly Series[]): PanelsChart | null {
  const metrics: MetricName[] = ['least-memory', 'image-size'];
  // An image is what it is on every accelerator: one row where the figures agree.
  const sized = figures.filter(
    (f, i) =>
      metrics.includes(f.metric) &&
      !figures.slice(0, i).some((o) => o.metric === f.metric && seriesKey(o) === seriesKey(f) && o.median === f.median),
  );
  if (sized.length === 0) return null;
  return {
    kind: 'footprint',
    id: 'footprint',
    title: 'Memory and image',
    subtitle: 'The least guest memory that still answers, and the size of what the VMM loads',
    notes: [],
    panels: panels(sized, series, metrics, (f) => METRICS[f.metric].label),
  };
}

/** What one panel of {@link operationsChart} compares: one operation, or one job, timed or counted. */
const operationOf = (figure: Figure): string =>
  [
    String(figure.parameters.operation ?? (parametersLabel(figure.parameters) || figure.workload)),
    figure.metric === 'instructions-per-operation' ? 'counted' : 'timed',
  ].join(', ');

/** Times and instruction counts of single operations and of whole jobs. Null when none was measured. */
export function operationsChart(figures: readonly Figure[], series: readonly Series[]): PanelsChart | null {
  const metrics: MetricName[] = ['time-per-operation', 'run-time', 'instructions-per-operation'];
  const measured = figures.filter((f) => metrics.includes(f.metric));
  if (measured.length === 0) return null;
  const virtual = [...new Set(measured.map((f) => f.accelerator))].filter((name) => name !== 'none');
  return {
    kind: 'operations',
    id: 'operations',
    title: 'Programs: single operations and whole jobs',
    subtitle: `The same binaries on every subject; guests on ${virtual.sort().join(' and ')}, linux-host as a process`,
    notes: measured.some((f) => f.metric === 'instructions-per-operation')
      ? ['Counted: instructions of the guest under TCG, user and kernel, without waiting. Exact, but blind to caches.']
      : [],
    panels: panels(measured, series, metrics, operationOf),
  };
}
