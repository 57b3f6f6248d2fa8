import type { RatioChart, RatioRow } from '../model/chart-data.ts';
import { formatNumber, formatP, formatRatio } from '../model/format.ts';
import { type DrawOptions, drawFrame, type Group, isShown, markGroup, seriesLabel, textWidth } from './frame.ts';
import { drawInterval, drawMedian, drawTarget } from './marks.ts';
import { drawDirection, drawRows, layoutRows, type RowGroup } from './rows.ts';
import { drawXAxis, fittingTicks, logScale, logTickSets, type Scale } from './scale.ts';

type RatioGroup = RatioChart['groups'][number];

function intervalText(row: RatioRow): string {
  return row.low === null || row.high === null ? '' : `[${formatNumber(row.low)}, ${formatNumber(row.high)}]`;
}

function drawRow(
  root: Group,
  row: RatioRow,
  x: Scale,
  y: number,
  options: DrawOptions,
  right: number,
  wide: boolean,
): void {
  const interval =
    row.low === null || row.high === null ? 'no interval: fewer than five boots' : `95 % interval ${intervalText(row)}`;
  const mark = markGroup(root, options, row.key, [
    `${[seriesLabel(options, row.key), row.label].filter((part) => part !== '').join(', ')}: ${formatRatio(row.ratio)} ${row.words} against ${row.baseline}`,
    interval,
    `${row.verdict}${row.p === null ? '' : `, p ${formatP(row.p)}`}`,
    `${row.boots[0]} and ${row.boots[1]} boots, placement ${row.placement}`,
  ]);
  drawTarget(mark, x(row.low ?? row.ratio), x(row.high ?? row.ratio), y, 9);
  if (row.low !== null && row.high !== null) drawInterval(mark, x(row.low), x(row.high), y, 'x');
  drawMedian(mark, options, row.key, x(row.ratio), y, row.low === null, 64);
  const text = root
    .append('text')
    .attr('data-series', row.key)
    .attr('x', right + 12)
    .attr('y', y + 4);
  text.append('tspan').attr('font-weight', 600).text(formatRatio(row.ratio));
  if (wide && row.low !== null) text.append('tspan').attr('class', 'quiet small').attr('dx', 6).text(intervalText(row));
}

/** Room for the widest ratio, in bold, and its interval beside it. */
function valueRoom(chart: RatioChart, wide: boolean): number {
  const rows = chart.groups.flatMap((group) => group.blocks.flatMap((block) => block.rows));
  const widths = rows.map(
    (row) =>
      textWidth(formatRatio(row.ratio)) * 1.2 + (wide && row.low !== null ? 6 + textWidth(intervalText(row), 11) : 0),
  );
  return 14 + Math.max(0, ...widths);
}

/** A group as blocks of rows, one a series; a block of one unnamed row is labelled with its series. */
function blocksOf(group: RatioGroup, options: DrawOptions): RowGroup<RatioRow>[] {
  return group.blocks.map(({ key, rows }, index) => {
    const named = rows.some((row) => row.label !== '');
    const colour = options.series.find((s) => s.key === key)?.colour ?? 7;
    return {
      headings: [
        ...(index === 0
          ? [
              { text: group.label, tone: 'strong' as const },
              { text: group.detail, tone: 'quiet' as const },
            ]
          : []),
        ...(named ? [{ text: seriesLabel(options, key), tone: colour }] : []),
      ],
      rows: named ? rows : rows.map((row) => ({ ...row, label: seriesLabel(options, key) })),
    };
  });
}

/** Splits groups over two columns of about equal length, keeping their order. */
function columns(groups: readonly RatioGroup[], count: number): RatioGroup[][] {
  const size = (group: RatioGroup) => group.blocks.reduce((sum, block) => sum + block.rows.length + 1, 2);
  const total = groups.reduce((sum, group) => sum + size(group), 0);
  const result: RatioGroup[][] = Array.from({ length: count }, () => []);
  let before = 0;
  for (const group of groups) {
    const column = Math.min(count - 1, Math.floor(((before + size(group) / 2) / total) * count));
    result[column]?.push(group);
    before += size(group);
  }
  return result.filter((column) => column.length > 0);
}

/** Ratios as a forest plot: right of the line is better than the baseline. */
export function drawRatio(container: Element, chart: RatioChart, options: DrawOptions): SVGSVGElement {
  return drawFrame(container, chart, options, (root, width) => {
    const gap = 40;
    const shown = chart.groups
      .map((group) => ({ ...group, blocks: group.blocks.filter((block) => isShown(options, block.key)) }))
      .filter((group) => group.blocks.length > 0);
    const parts = columns(shown, width >= 860 && shown.length > 1 ? 2 : 1);
    const columnWidth = parts.length > 1 ? (width - gap) / 2 : width;
    const wide = columnWidth >= 420;
    const all = chart.groups.flatMap((g) =>
      g.blocks.flatMap((b) => b.rows.flatMap((row) => [row.ratio, row.low ?? row.ratio, row.high ?? row.ratio])),
    );
    let tallest = 0;
    parts.forEach((groups, index) => {
      const column = root
        .append('g')
        .attr('class', 'panel')
        .attr('transform', `translate(${index * (columnWidth + gap)},0)`);
      const right = valueRoom(chart, wide);
      const blocks = groups.flatMap((group) => blocksOf(group, options));
      const layout = layoutRows(blocks, { width: columnWidth, rowHeight: 20, top: 20, right });
      const x = logScale([...all, 1], [layout.left + 6, layout.right], 1.2);
      const format = (value: number) => `${value}×`;
      const ticks = fittingTicks(x, logTickSets(x), format);
      drawXAxis(column, x, { ticks, format, from: 22, to: layout.height });
      const one = Math.round(x(1)) + 0.5;
      column
        .append('line')
        .attr('class', 'unity')
        .attr('x1', one)
        .attr('x2', one)
        .attr('y1', 20)
        .attr('y2', layout.height);
      column
        .append('text')
        .attr('class', 'quiet small')
        .attr('x', one)
        .attr('y', 12)
        .attr('text-anchor', 'middle')
        .text(`as ${chart.against}`);
      drawRows(column, layout, blocks, options, (row, y) => drawRow(column, row, x, y, options, layout.right, wide));
      tallest = Math.max(tallest, drawDirection(column, layout, `better than ${chart.against}, log scale →`));
    });
    return tallest;
  });
}
