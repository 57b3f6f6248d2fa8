import type { Failure, Placement, Provenance, RunRecord, Sample } from '@plumbline/datasets';
import type { ChartData, ThroughputLatencyChart } from './chart-data.ts';
import { type Comparison, comparisonsOfQueues, comparisonsWithLinux } from './comparison.ts';
import { type Figure, figuresOf, seriesKey } from './figure.ts';
import { type Headline, headlines } from './glance.ts';
import { bootChart, footprintChart, instructionsChart, operationsChart } from './guest-charts.ts';
import { chartPlacement, loadCharts } from './load-charts.ts';
import { METRIC_ORDER } from './metric.ts';
import { compareParameters } from './point-label.ts';
import { queuesChart, ratioChart } from './ratio-chart.ts';
import { type Series, seriesOf } from './series.ts';
import { bandwidthChart, copiesChart } from './stream-charts.ts';

/** One line of the table: a figure and, where there is one, its ratio to Linux. */
export type TableRow = {
  figure: Figure;
  key: string;
  label: string;
  comparison: Comparison | null;
  /** In the placement that the charts draw, or the one a ratio was judged in; the others come after. */
  primary: boolean;
};

/** Everything a report shows, computed once. */
export type Report = {
  samples: number;
  bootsTotal: number;
  first: string | null;
  last: string | null;
  runs: RunRecord[];
  failures: Failure[];
  provenance: Provenance[];
  load: { most: number; steal: number } | null;
  series: Series[];
  figures: Figure[];
  comparisons: Comparison[];
  headlines: Headline[];
  charts: ChartData[];
  rows: TableRow[];
};

function tableRows(
  figures: readonly Figure[],
  comparisons: readonly Comparison[],
  series: readonly Series[],
): TableRow[] {
  const placements = new Map<string, Placement>();
  const placementFor = (figure: Figure) => {
    const key = JSON.stringify([figure.host, figure.workload, figure.accelerator === 'tcg']);
    const found = placements.get(key);
    if (found !== undefined) return found;
    const alike = figures.filter(
      (f) =>
        f.host === figure.host &&
        f.workload === figure.workload &&
        (f.accelerator === 'tcg') === (figure.accelerator === 'tcg'),
    );
    const placement = chartPlacement(alike);
    placements.set(key, placement);
    return placement;
  };
  const judged = new Set(comparisons.flatMap((c) => [c.subject, c.baseline]));
  const place = (f: Figure) => series.findIndex((s) => s.key === seriesKey(f));
  return [...figures]
    .sort(
      (a, b) =>
        (a.workload < b.workload ? 1 : a.workload > b.workload ? -1 : 0) ||
        METRIC_ORDER.indexOf(a.metric) - METRIC_ORDER.indexOf(b.metric) ||
        compareParameters(a.parameters, b.parameters) ||
        place(a) - place(b) ||
        (a.placement < b.placement ? -1 : 1),
    )
    .map((figure) => ({
      figure,
      key: seriesKey(figure),
      label: series.find((s) => s.key === seriesKey(figure))?.label ?? seriesKey(figure),
      comparison: comparisons.find((c) => c.subject === figure) ?? null,
      primary: judged.has(figure) || figure.placement === 'none' || figure.placement === placementFor(figure),
    }));
}

/** The charts of one host: figures of two hosts are never in one chart. */
function chartsOf(
  figures: readonly Figure[],
  comparisons: readonly Comparison[],
  series: readonly Series[],
): ChartData[] {
  return [
    ...loadCharts(figures, series),
    bandwidthChart(figures, series),
    ratioChart(comparisons, series),
    queuesChart(comparisonsOfQueues(figures), series),
    copiesChart(figures, series),
    instructionsChart(figures, series),
    bootChart(figures, series),
    footprintChart(figures, series),
    operationsChart(figures, series),
  ].filter((chart) => chart !== null);
}

/** What a report is made of. */
export type ReportInput = {
  samples: readonly Sample[];
  provenance: readonly Provenance[];
  failures?: readonly Failure[];
  runs?: readonly RunRecord[];
};

/** Computes a report from samples: figures, ratios, chart data and tables. Nothing is drawn here. */
export function buildReport({ samples, provenance, failures = [], runs = [] }: ReportInput): Report {
  const figures = figuresOf(samples, provenance);
  const series = seriesOf(figures);
  const comparisons = comparisonsWithLinux(figures);
  const times = samples.map((sample) => sample.time).sort();
  const states = samples.flatMap((sample) => [sample.before, sample.after]).filter((state) => state !== undefined);
  const used = new Set(samples.map((sample) => sample.provenance));
  const hosts = [...new Set(figures.map((figure) => figure.host))];
  const charts = hosts.flatMap((host) => {
    const drawn = chartsOf(
      figures.filter((figure) => figure.host === host),
      comparisons.filter((comparison) => comparison.subject.host === host),
      series,
    );
    if (hosts.length === 1) return drawn;
    const place = hosts.indexOf(host) + 1;
    return drawn.map((chart) => ({
      ...chart,
      id: `${chart.id}-host-${place}`,
      subtitle: `${chart.subtitle} · host ${host}`,
    }));
  });
  return {
    samples: samples.length,
    bootsTotal: new Set(samples.map((sample) => sample.boot.id)).size,
    first: times[0] ?? null,
    last: times.at(-1) ?? null,
    runs: [...runs],
    failures: [...failures],
    provenance: provenance.filter((record) => used.has(record.id)),
    load:
      states.length === 0
        ? null
        : { most: Math.max(...states.map((s) => s.load)), steal: Math.max(...states.map((s) => s.steal)) },
    series,
    figures,
    comparisons,
    headlines: headlines(figures, comparisons, series),
    charts,
    rows: tableRows(figures, comparisons, series),
  };
}

/** The chart that a summary of a run shows: throughput against latency, of the mix most points were measured with. */
export function leadingChart(report: Report): ThroughputLatencyChart | undefined {
  const points = (chart: ThroughputLatencyChart) => chart.series.reduce((sum, own) => sum + own.points.length, 0);
  return report.charts.filter((chart) => chart.kind === 'throughput-latency').sort((a, b) => points(b) - points(a))[0];
}
