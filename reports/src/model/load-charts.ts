import type { MetricName, Placement } from '@plumbline/datasets';
import { group, sum } from 'd3';
import type { LoadPoint, PercentileRow, PercentilesChart, ThroughputLatencyChart } from './chart-data.ts';
import { statOf } from './chart-data.ts';
import { canonical, type Figure, seriesKey } from './figure.ts';
import { formatShare } from './format.ts';
import { RATES } from './metric.ts';
import { compareParameters, parametersLabel, sweepOf, withoutSweep } from './point-label.ts';
import type { Series } from './series.ts';

const LOAD_METRICS: readonly MetricName[] = ['throughput', 'latency-p50', 'latency-p99', 'latency-p999'];

/**
 * The placement to draw a workload in: the one with the most slices that all subjects have in common, summed over the
 * points; where nothing is common, the one with the most slices. Echo, a limit and not a contender, has no say.
 */
export function chartPlacement(figures: readonly Figure[]): Placement {
  const judged = figures.filter((f) => f.subject !== 'echo' && RATES.includes(f.metric) && f.boots > 0);
  const pool = judged.length > 0 ? judged : figures;
  const slices = (some: readonly Figure[]) =>
    sum(some, (f) => sum(f.points, (point) => (point.excluded === null ? point.slices : 0)));
  const score = (placement: Placement) => {
    const own = pool.filter((f) => f.placement === placement);
    const common = sum([...group(pool, (f) => canonical(f.parameters)).values()], (atPoint) =>
      Math.min(
        ...[...group(atPoint, seriesKey).values()].map((f) => slices(f.filter((o) => o.placement === placement))),
      ),
    );
    // Where every boot was left out, the placement that most of them were in: they are drawn as crosses.
    return [placement === 'mixed' ? 0 : common, slices(own), sum(own, (f) => f.points.length)];
  };
  const better = (a: readonly number[], b: readonly number[]) => {
    const first = a.findIndex((value, i) => value !== b[i]);
    return first >= 0 && (a[first] ?? 0) > (b[first] ?? 0);
  };
  let best: { placement: Placement; score: number[] } = { placement: 'none', score: [0, 0, 0] };
  for (const placement of ['near', 'far', 'remote', 'none', 'unknown', 'mixed'] as const) {
    const candidate = { placement, score: score(placement) };
    if (better(candidate.score, best.score)) best = candidate;
  }
  return best.placement;
}

/** What a reader must know about figures that are drawn, or are not: exclusions, losses, gaps. */
function loadNotes(drawn: readonly Figure[], all: readonly Figure[], series: readonly Series[]): string[] {
  const label = (key: string) => series.find((s) => s.key === key)?.label ?? key;
  const notes: string[] = [];
  for (const why of ['disturbed', 'client-bound'] as const) {
    const count = drawn
      .filter((f) => f.metric === 'throughput')
      .reduce((sum, f) => sum + f.points.filter((p) => p.excluded === why).length, 0);
    if (count > 0) {
      const words = why === 'disturbed' ? 'disturbed by the host' : 'limited by the load generator';
      notes.push(
        `${count} measurement${count === 1 ? ' was' : 's were'} ${words}: drawn as ${count === 1 ? 'a cross' : 'crosses'}, in no median or interval.`,
      );
    }
  }
  const missing = new Map<string, Figure['parameters'][]>();
  for (const [point, atPoint] of group(all, (f) => canonical(f.parameters))) {
    for (const [key, own] of group(atPoint, seriesKey)) {
      const has = drawn.some((f) => canonical(f.parameters) === point && seriesKey(f) === key && f.boots > 0);
      const first = own[0];
      if (!has && first !== undefined) missing.set(key, [...(missing.get(key) ?? []), first.parameters]);
    }
  }
  for (const [key, points] of missing) {
    const sweep = sweepOf(points[0] ?? {});
    const where =
      sweep === null
        ? points.map((parameters) => parametersLabel(parameters)).join('; ')
        : `${sweep.name} ${[...points]
            .sort(compareParameters)
            .map((parameters) => sweepOf(parameters)?.value)
            .join(', ')}`;
    notes.push(`${label(key)}: no usable boot in this placement at ${where}; the table has every other placement.`);
  }
  const losses = drawn.filter((f) => f.metric === 'throughput' && (f.loss ?? 0) > 0);
  for (const [key, own] of group(losses, seriesKey)) {
    const worst = [...own].sort((a, b) => (b.loss ?? 0) - (a.loss ?? 0))[0];
    if (worst === undefined) continue;
    notes.push(
      `${label(key)} left requests unanswered: at most ${formatShare(worst.loss ?? 0)} (${parametersLabel(worst.parameters)}). Throughput counts replies only.`,
    );
  }
  // A process of the host is at its limit when its core is: this is what shows it.
  const hosts = drawn.filter((f) => f.metric === 'throughput' && f.subject === 'linux-host' && f.serverBusy !== null);
  for (const [key, own] of group(hosts, seriesKey)) {
    const fastest = [...own].sort((a, b) => (b.median ?? 0) - (a.median ?? 0))[0];
    if (fastest === undefined) continue;
    notes.push(
      `${label(key)} used ${formatShare(fastest.serverBusy ?? 0)} of its core at its highest rate (${parametersLabel(fastest.parameters)}).`,
    );
  }
  return notes;
}

/** Throughput against latency, and the latency percentiles, for every load workload on KVM and the host. */
export function loadCharts(
  figures: readonly Figure[],
  series: readonly Series[],
): (ThroughputLatencyChart | PercentilesChart)[] {
  const load = figures.filter((f) => LOAD_METRICS.includes(f.metric) && f.accelerator !== 'tcg');
  const charts: (ThroughputLatencyChart | PercentilesChart)[] = [];
  const kinds = group(load, (f) => JSON.stringify([f.host, f.workload, canonical(withoutSweep(f.parameters))]));
  const sorted = [...kinds.values()].sort((a, b) => compareParameters(a[0]?.parameters ?? {}, b[0]?.parameters ?? {}));
  for (const alike of sorted) {
    const first = alike[0];
    if (first === undefined) continue;
    const placement = chartPlacement(alike);
    const drawn = alike.filter((f) => f.placement === placement);
    const rest = parametersLabel(withoutSweep(first.parameters));
    const where = placement === 'none' || placement === 'unknown' ? `placement ${placement}` : `cores ${placement}`;
    const accelerators = [...new Set(alike.map((f) => f.accelerator))].filter((a) => a !== 'none').join(', ');
    const what = [first.workload, rest].filter((part) => part !== '').join(', ');
    const subtitle = [accelerators === '' ? 'host' : accelerators, where].filter((part) => part !== '').join(' · ');
    const name = `${first.workload}${rest === '' ? '' : `-${rest}`}`.replace(/[^a-zA-Z0-9]+/g, '-').replace(/-$/, '');
    const notes = loadNotes(drawn, alike, series);
    const at = (key: string, metric: MetricName, parameters: Figure['parameters']) => {
      const figure = drawn.find(
        (f) => f.metric === metric && seriesKey(f) === key && canonical(f.parameters) === canonical(parameters),
      );
      return figure === undefined ? null : statOf(figure);
    };
    const points = [...group(drawn, (f) => canonical(f.parameters)).values()]
      .map((own) => own[0]?.parameters ?? {})
      .sort(compareParameters);
    const keys = series.map((s) => s.key).filter((key) => drawn.some((f) => seriesKey(f) === key));
    const lines = keys.map((key) => ({
      key,
      points: points.flatMap((parameters): LoadPoint[] => {
        const throughput = at(key, 'throughput', parameters);
        if (throughput === null) return [];
        const sweep = sweepOf(parameters);
        const figure = drawn.find(
          (f) => f.metric === 'throughput' && seriesKey(f) === key && f.parameters === parameters,
        );
        return [
          {
            label: sweep === null ? '' : String(sweep.value),
            sweep: sweep?.value ?? 0,
            throughput,
            p50: at(key, 'latency-p50', parameters),
            p99: at(key, 'latency-p99', parameters),
            loss: figure?.loss ?? null,
          },
        ];
      }),
    }));
    const sweepName = sweepOf(first.parameters)?.name ?? 'point';
    charts.push({
      kind: 'throughput-latency',
      id: `throughput-latency-${name}`,
      title: `Throughput against latency: ${what}`,
      subtitle,
      notes,
      sweepName,
      series: lines,
    });
    const groups = points
      .map((parameters) => ({
        label:
          sweepOf(parameters) === null ? parametersLabel(parameters) : `${sweepName} ${sweepOf(parameters)?.value}`,
        rows: keys
          .map(
            (key): PercentileRow => ({
              key,
              p50: at(key, 'latency-p50', parameters),
              p99: at(key, 'latency-p99', parameters),
              p999: at(key, 'latency-p999', parameters),
            }),
          )
          .filter((row) => row.p50 !== null || row.p99 !== null || row.p999 !== null),
      }))
      .filter(({ rows }) => rows.length > 0);
    if (groups.length > 0) {
      charts.push({
        kind: 'latency-percentiles',
        id: `latency-percentiles-${name}`,
        title: `Latency percentiles: ${what}`,
        subtitle,
        // What concerns rates stands under the first chart.
        notes: notes.filter((note) => !note.includes('Throughput')),
        groups,
      });
    }
  }
  return charts;
}
