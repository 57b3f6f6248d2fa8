import type { MetricName } from '@plumbline/datasets';
import type { PercentileRow, PercentilesChart, Stat } from '../model/chart-data.ts';
import { formatTick } from '../model/format.ts';
import { type DrawOptions, drawFrame, type Group, markGroup, seriesLabel } from './frame.ts';
import { bootsLine, drawInterval, drawMedian, drawStrip, drawTarget, statLines } from './marks.ts';
import { drawDirection, drawRows, layoutRows, shownGroups } from './rows.ts';
import { drawXAxis, fittingTicks, logScale, logTickSets, type Scale } from './scale.ts';

const PERCENTILES = [
  { which: 'p50', metric: 'latency-p50', name: 'p50' },
  { which: 'p99', metric: 'latency-p99', name: 'p99' },
  { which: 'p999', metric: 'latency-p999', name: 'p99.9' },
] as const satisfies readonly { which: keyof PercentileRow; metric: MetricName; name: string }[];

const MARK_SIZE = { p50: 70, p99: 44, p999: 0 };

function drawRow(root: Group, row: PercentileRow, x: Scale, y: number, options: DrawOptions, group: string): void {
  const known = PERCENTILES.flatMap(({ which, metric, name }) => {
    const stat: Stat | null = row[which];
    return stat === null ? [] : [{ which, metric, name, stat }];
  });
  const first = known[0];
  if (first === undefined) return;
  const mark = markGroup(root, options, row.key, [
    `${seriesLabel(options, row.key)}, ${group}`,
    ...known.flatMap(({ metric, name, stat }) => statLines(metric, name, stat)),
    bootsLine(first.stat),
  ]);
  const medians = known.flatMap(({ stat }) => (stat.median === null ? [] : [x(stat.median)]));
  if (medians.length > 0) drawTarget(mark, Math.min(...medians), Math.max(...medians), y, 11);
  if (medians.length > 1) {
    mark
      .append('line')
      .attr('class', 'span')
      .attr('x1', Math.min(...medians))
      .attr('x2', Math.max(...medians))
      .attr('y1', y)
      .attr('y2', y);
  }
  for (const { stat } of known) {
    if (stat.low !== null && stat.high !== null) drawInterval(mark, x(stat.low), x(stat.high), y, 'x', 3);
  }
  for (const { which, stat } of known) {
    if (stat.median === null) continue;
    const at = x(stat.median);
    if (which === 'p999')
      mark
        .append('line')
        .attr('class', 'tick-mark')
        .attr('x1', at)
        .attr('x2', at)
        .attr('y1', y - 7)
        .attr('y2', y + 7);
    else drawMedian(mark, options, row.key, at, y, which === 'p99', MARK_SIZE[which]);
  }
  for (const { stat } of known) drawStrip(mark, x, stat, y + 10, 2.2, 1.6);
}

function drawKey(root: Group, left: number): void {
  const key = root.append('g').attr('class', 's7 key').attr('transform', `translate(${left},12)`);
  key.append('circle').attr('class', 'median').attr('cx', 5).attr('cy', -4).attr('r', 5);
  key.append('text').attr('class', 'quiet small').attr('x', 15).text('median');
  key.append('circle').attr('class', 'median open').attr('cx', 79).attr('cy', -4).attr('r', 3.8);
  key.append('text').attr('class', 'quiet small').attr('x', 88).text('99 %');
  key.append('line').attr('class', 'tick-mark').attr('x1', 132).attr('x2', 132).attr('y1', -11).attr('y2', 3);
  key.append('text').attr('class', 'quiet small').attr('x', 139).text('99.9 %');
}

/** Latency percentiles: a row a subject, grouped by window; median, 99 % and 99.9 % on one line. */
export function drawPercentiles(container: Element, chart: PercentilesChart, options: DrawOptions): SVGSVGElement {
  return drawFrame(container, chart, options, (root, width) => {
    const groups = shownGroups(chart.groups, options);
    const layout = layoutRows(groups, { width, rowHeight: 27, top: 26, right: 18 });
    const all = chart.groups.flatMap((g) =>
      g.rows.flatMap((row) => PERCENTILES.flatMap(({ which }) => row[which]?.points ?? [])),
    );
    const x = logScale(
      all.map((point) => point.value),
      [layout.left, layout.right],
      1.15,
    );
    const format = (value: number) => formatTick('latency-p50', value);
    drawXAxis(root, x, {
      ticks: fittingTicks(x, logTickSets(x), format),
      format,
      from: 24,
      to: layout.height,
    });
    drawKey(root, layout.left);
    drawRows(root, layout, groups, options, (row, y, g) =>
      drawRow(root, row, x, y - 2, options, groups[g]?.label ?? ''),
    );
    return drawDirection(root, layout, '← shorter is better, log scale');
  });
}
