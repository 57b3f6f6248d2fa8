import type { InstructionsChart, InstructionsRow } from '../model/chart-data.ts';
import { formatNumber } from '../model/format.ts';
import { type DrawOptions, drawFrame, type Group, markGroup, seriesLabel, textWidth } from './frame.ts';
import { bootsLine, drawBoot, drawInterval } from './marks.ts';
import { drawDirection, drawRows, layoutRows, shownGroups } from './rows.ts';
import { drawXAxis, type Scale, zeroScale } from './scale.ts';

const BAR = 18;

function drawBar(root: Group, row: InstructionsRow, x: Scale, y: number, options: DrawOptions, group: string): void {
  const { total } = row;
  const parts = row.parts.map(
    (part) => `${part.name}: ${formatNumber(part.value)}${part.busy ? '' : ' (not counted)'}`,
  );
  const interval =
    total.low !== null && total.high !== null ? ` [${formatNumber(total.low)} to ${formatNumber(total.high)}]` : '';
  const mark = markGroup(root, options, row.key, [
    `${seriesLabel(options, row.key)}, ${group}`,
    total.median === null ? 'no usable boot' : `${formatNumber(total.median)} instructions${interval}`,
    ...parts,
    bootsLine(total),
  ]);
  const end = total.median ?? 0;
  const busy = row.parts.filter((part) => part.busy);
  const sum = busy.reduce((s, part) => s + part.value, 0);
  // Medians of parts need not add up to the median of the whole: the bar is as long as the whole.
  const stack =
    sum > 0
      ? busy.map((part) => ({ name: part.name, value: (part.value / sum) * end }))
      : [{ name: 'kernel', value: end }];
  let from = 0;
  for (const { name, value } of stack) {
    const [x0, x1] = [x(from), x(from + value)];
    mark
      .append('rect')
      .attr('class', `bar ${name}`)
      .attr('x', x0.toFixed(1))
      .attr('y', y - BAR / 2)
      .attr('width', Math.max(0.5, x1 - x0).toFixed(1))
      .attr('height', BAR)
      .attr('rx', 1.5);
    from += value;
  }
  let reach = x(end);
  total.points.forEach((point, i) => {
    reach = Math.max(reach, x(point.value));
    drawBoot(mark, x(point.value), y + BAR / 2 + 5 + ((i % 3) - 1) * 1.6, point.excluded !== null, 1.8);
  });
  if (total.low !== null && total.high !== null && x(total.high) - x(total.low) > 2) {
    drawInterval(mark, x(total.low), x(total.high), y + BAR / 2 + 5, 'x', 3);
    reach = Math.max(reach, x(total.high));
  }
  root
    .append('text')
    .attr('data-series', row.key)
    .attr('x', (reach + 9).toFixed(1))
    .attr('y', y + 4)
    .attr('font-weight', 600)
    .text(total.median === null ? 'no usable boot' : formatNumber(total.median));
}

/** Instructions per request: a bar a subject, user and kernel stacked; idle instructions are in the tooltip only. */
export function drawInstructions(container: Element, chart: InstructionsChart, options: DrawOptions): SVGSVGElement {
  return drawFrame(container, chart, options, (root, width) => {
    const groups = shownGroups(chart.groups, options);
    const layout = layoutRows(groups, { width, rowHeight: 36, top: 24, right: textWidth('99,999') + 14 });
    const all = chart.groups.flatMap((g) => g.rows.flatMap((row) => row.total.points.map((point) => point.value)));
    const x = zeroScale(all, [layout.left, layout.right], 1);
    drawXAxis(root, x, {
      ticks: x.ticks(Math.max(2, Math.floor((layout.right - layout.left) / 80))),
      format: (value) => value.toLocaleString('en-US'),
      from: 22,
      to: layout.height,
    });
    const key = root.append('g').attr('class', 'key s7').attr('transform', `translate(${layout.left},12)`);
    key.append('rect').attr('class', 'bar user').attr('width', 14).attr('height', 10).attr('y', -9);
    key.append('text').attr('class', 'quiet small').attr('x', 20).text('user');
    key.append('rect').attr('class', 'bar').attr('width', 14).attr('height', 10).attr('x', 62).attr('y', -9);
    key.append('text').attr('class', 'quiet small').attr('x', 82).text('kernel');
    drawRows(root, layout, groups, options, (row, y, g) => drawBar(root, row, x, y, options, groups[g]?.label ?? ''));
    return drawDirection(root, layout, '← fewer is better');
  });
}
