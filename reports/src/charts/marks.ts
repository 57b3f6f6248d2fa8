import type { MetricName } from '@plumbline/datasets';
import {
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
} from 'd3';
import type { Stat } from '../model/chart-data.ts';
import { formatValue } from '../model/format.ts';
import type { DrawOptions, Group } from './frame.ts';
import type { Scale } from './scale.ts';

const SYMBOLS = [symbolCircle, symbolSquare, symbolDiamond, symbolTriangle, symbolCross, symbolStar, symbolWye];

/** Equal areas look unequal: a star of a circle's area reaches much further. */
const WEIGHTS = [1, 0.95, 0.8, 0.78, 0.85, 0.85, 0.8];

/** Something to point at that is larger than what is drawn. */
export function drawTarget(root: Group, x0: number, x1: number, y: number, reach: number): void {
  root
    .append('rect')
    .attr('class', 'target')
    .attr('x', (x0 - reach).toFixed(1))
    .attr('y', (y - reach).toFixed(1))
    .attr('width', (x1 - x0 + 2 * reach).toFixed(1))
    .attr('height', 2 * reach)
    .attr('rx', reach);
}

/** The path of a series' symbol. */
export function symbolPath(options: DrawOptions, key: string, size = 58): string {
  const index = options.series.find((s) => s.key === key)?.symbol ?? 0;
  return symbol(SYMBOLS[index] ?? symbolCircle, size * (WEIGHTS[index] ?? 1))() ?? '';
}

/** The median's symbol: filled with an interval behind it, hollow without one. */
export function drawMedian(
  root: Group,
  options: DrawOptions,
  key: string,
  x: number,
  y: number,
  open: boolean,
  size = 58,
): void {
  root
    .append('path')
    .attr('class', open ? 'median open' : 'median')
    .attr('d', symbolPath(options, key, size))
    .attr('transform', `translate(${x.toFixed(1)},${y.toFixed(1)})`);
}

/** One boot: a dot, or a cross when it is in no figure. */
export function drawBoot(root: Group, x: number, y: number, excluded: boolean, radius = 2.3): void {
  if (!excluded) {
    root.append('circle').attr('class', 'boot').attr('cx', x.toFixed(1)).attr('cy', y.toFixed(1)).attr('r', radius);
    return;
  }
  root
    .append('path')
    .attr('class', 'excluded')
    .attr('d', 'M-3,-3L3,3M-3,3L3,-3')
    .attr('transform', `translate(${x.toFixed(1)},${y.toFixed(1)})`);
}

/** A line from low to high with a short bar at each end. */
export function drawInterval(root: Group, low: number, high: number, at: number, direction: 'x' | 'y', cap = 4): void {
  const [a, b] = [low.toFixed(1), high.toFixed(1)];
  const c = at.toFixed(1);
  const d =
    direction === 'x'
      ? `M${a},${c}H${b}M${a},${at - cap}V${at + cap}M${b},${at - cap}V${at + cap}`
      : `M${c},${a}V${b}M${at - cap},${a}H${at + cap}M${at - cap},${b}H${at + cap}`;
  root.append('path').attr('class', 'interval').attr('d', d);
}

/** The boots' dots of a strip, spread over a few lanes so that equal values stay countable; no median covers them. */
export function drawStrip(root: Group, scale: Scale, stat: Stat, y: number, spread: number, radius = 2.2): void {
  const lanes = [0, -1, 1, -0.5, 0.5];
  stat.points.forEach((point, index) => {
    drawBoot(
      root,
      scale(point.value),
      y + (lanes[index % lanes.length] ?? 0) * spread,
      point.excluded !== null,
      radius,
    );
  });
}

/** The lines of a tooltip about one figure. */
export function statLines(metric: MetricName, name: string, stat: Stat): string[] {
  const format = (value: number) => formatValue(metric, value);
  if (stat.median === null) return [`${name}: no usable boot`];
  const interval =
    stat.low !== null && stat.high !== null ? ` [${format(stat.low)} to ${format(stat.high)}]` : ' (no interval)';
  return [`${name}: ${format(stat.median)}${interval}`];
}

/** How many boots stand behind a figure, in words. */
export function bootsLine(stat: Stat): string {
  const excluded = stat.points.length - stat.boots;
  return `${stat.boots} boot${stat.boots === 1 ? '' : 's'}${excluded > 0 ? `, ${excluded} left out` : ''}`;
}
