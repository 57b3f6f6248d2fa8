import type { MetricName } from '@plumbline/datasets';
import type { PanelsChart, StatRow } from '../model/chart-data.ts';
import { formatTick, formatValue } from '../model/format.ts';
import { METRICS } from '../model/metric.ts';
import { type DrawOptions, drawFrame, type Group, isShown, markGroup, textWidth } from './frame.ts';
import { bootsLine, drawInterval, drawMedian, drawStrip, drawTarget, statLines } from './marks.ts';
import { drawDirection, drawRows, layoutRows } from './rows.ts';
import { binaryTicks, drawXAxis, fittingTicks, logScale, logTickSets, type Scale, zeroScale } from './scale.ts';

type Panel = PanelsChart['panels'][number];

/** Sizes: their ticks are round in powers of two. */
const BYTES: readonly MetricName[] = ['least-memory', 'image-size', 'bytes-copied-per-request'];

function drawRow(root: Group, row: StatRow, x: Scale, y: number, options: DrawOptions, edge: number): void {
  const tip = [row.label, ...statLines(row.metric, row.metric.replaceAll('-', ' '), row.stat), bootsLine(row.stat)];
  const mark = markGroup(root, options, row.key, tip);
  const { stat } = row;
  const drawn = stat.points.map((point) => x(point.value));
  drawTarget(mark, Math.min(...drawn), Math.max(...drawn), y, 14);
  if (stat.low !== null && stat.high !== null) drawInterval(mark, x(stat.low), x(stat.high), y, 'x');
  if (stat.median !== null) drawMedian(mark, options, row.key, x(stat.median), y, stat.low === null && stat.boots > 1);
  drawStrip(mark, x, stat, y + 13, 2.5, 2);
  const text = stat.median === null ? 'no usable boot' : formatValue(row.metric, stat.median);
  const reach = Math.max(...stat.points.map((point) => x(point.value)), stat.high === null ? 0 : x(stat.high)) + 12;
  const fits = reach + textWidth(text) <= edge;
  const least = Math.min(...stat.points.map((point) => x(point.value))) - 12;
  root
    .append('text')
    .attr('class', 'halo')
    .attr('data-series', row.key)
    .attr('x', (fits ? reach : least).toFixed(1))
    .attr('y', y + 4)
    .attr('text-anchor', fits ? 'start' : 'end')
    .attr('font-weight', 600)
    .text(text);
}

function drawPanel(root: Group, panel: Panel, options: DrawOptions, width: number): number {
  root.append('text').attr('class', 'panel-title').attr('x', 0).attr('y', 16).text(panel.label);
  const groups = panel.groups
    .map((group) => ({
      // A panel with one group has said it in its title.
      headings: group.label === panel.label ? [] : [{ text: group.label, tone: 'strong' as const }],
      rows: group.rows.filter((row) => isShown(options, row.key)),
    }))
    .filter((group) => group.rows.length > 0);
  const layout = layoutRows(groups, { width, rowHeight: 38, top: 26, right: 8 });
  const all = panel.groups.flatMap((g) => g.rows.flatMap((row) => row.stat.points.map((point) => point.value)));
  const bytes = BYTES.includes(panel.metric);
  const spread = Math.max(...all) / Math.min(...all);
  // From zero where that is legible: only a linear scale shows how wide the boots lie against the whole.
  const log = spread > 200;
  const room = textWidth('99.9 MiB') + 16;
  const range: [number, number] = [layout.left + 4, layout.right - room];
  const x = log ? logScale(all, range, 1.4) : zeroScale(all, range, 1);
  const most = Math.max(2, Math.floor((range[1] - range[0]) / 74));
  const format = (value: number) => formatTick(panel.metric, value);
  const ticks = !log
    ? linearTicks(x, most, bytes)
    : bytes
      ? binaryTicks(x, most)
      : fittingTicks(x, logTickSets(x), format);
  drawXAxis(root, x, { ticks, format, from: 28, to: layout.height });
  drawRows(root, layout, groups, options, (row, y) => drawRow(root, row, x, y - 3, options, width));
  return drawDirection(
    root,
    layout,
    `${METRICS[panel.metric].better === 'more' ? 'more is better →' : '← less is better'}${log ? ', log scale' : ''}`,
  );
}

/** Ticks from zero; for bytes in steps of a power of two, so that they are round in MiB. */
function linearTicks(x: Scale, most: number, bytes: boolean): number[] {
  if (!bytes) return x.ticks(most);
  const high = x.domain()[1] ?? 1;
  const step = 2 ** Math.ceil(Math.log2(high / most));
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, i) => i * step);
}

/** Panels of strips, each with its own scale: boot times an accelerator, or memory and image size. */
export function drawPanels(container: Element, chart: PanelsChart, options: DrawOptions): SVGSVGElement {
  return drawFrame(container, chart, options, (root, width) => {
    const gap = 36;
    const side = chart.panels.length > 1 && width >= 760;
    const panelWidth = side ? (width - gap * (chart.panels.length - 1)) / chart.panels.length : width;
    let y = 0;
    let tallest = 0;
    chart.panels.forEach((panel, index) => {
      const at = side ? `translate(${index * (panelWidth + gap)},0)` : `translate(0,${y})`;
      const height = drawPanel(
        root.append('g').attr('class', 'panel').attr('transform', at),
        panel,
        options,
        panelWidth,
      );
      tallest = Math.max(tallest, height);
      y += height + 14;
    });
    return side ? tallest : y;
  });
}
