import { line } from 'd3';
import type { LoadPoint, Stat, ThroughputLatencyChart } from '../model/chart-data.ts';
import { formatShare, formatTick } from '../model/format.ts';
import { type DrawOptions, drawFrame, type Group, isShown, markGroup, seriesLabel, textWidth } from './frame.ts';
import { around, type Box, placeLabel, segmentBoxes } from './labels.ts';
import { bootsLine, drawBoot, drawInterval, drawMedian, drawTarget, statLines } from './marks.ts';
import { drawXAxis, drawYAxis, fewTicks, fittingTicks, logScale, logTickSets, type Scale } from './scale.ts';

type Which = 'p50' | 'p99';
const PANELS: readonly { which: Which; title: string }[] = [
  { which: 'p50', title: 'Median latency' },
  { which: 'p99', title: '99th percentile of latency' },
];

const rateTick = (value: number) => formatTick('throughput', value);
const timeTick = (value: number) => formatTick('latency-p50', value);
const values = (stat: Stat | null) => (stat === null ? [] : stat.points.map((point) => point.value));

type Frame = { left: number; top: number; width: number; height: number; x: Scale; y: Scale };

function tip(options: DrawOptions, chart: ThroughputLatencyChart, key: string, point: LoadPoint): string[] {
  return [
    `${seriesLabel(options, key)}, ${chart.sweepName} ${point.label}`,
    ...statLines('throughput', 'throughput', point.throughput),
    ...(point.p50 === null ? [] : statLines('latency-p50', 'p50', point.p50)),
    ...(point.p99 === null ? [] : statLines('latency-p99', 'p99', point.p99)),
    `${bootsLine(point.throughput)}${point.loss !== null ? `; loss ${formatShare(point.loss)}` : ''}`,
  ];
}

/** The boots of a point as pairs: a boot's rate against the same boot's latency. */
function pairs(point: LoadPoint, latency: Stat): { x: number; y: number; excluded: boolean }[] {
  return point.throughput.points.flatMap((boot) => {
    const own = latency.points.find((other) => other.boot === boot.boot);
    return own === undefined
      ? []
      : [{ x: boot.value, y: own.value, excluded: boot.excluded !== null || own.excluded !== null }];
  });
}

function drawSeries(
  panel: Group,
  frame: Frame,
  which: Which,
  chart: ThroughputLatencyChart,
  options: DrawOptions,
  obstacles: Box[],
): void {
  const { x, y } = frame;
  const shown = chart.series.filter((s) => isShown(options, s.key));
  const placed = shown.map(({ key, points }) => ({
    key,
    places: points.flatMap((point) => {
      const latency = point[which];
      if (latency === null) return [];
      const [rate, time] = [point.throughput.median, latency.median];
      const at = rate === null || time === null ? null : { x: x(rate), y: y(time) };
      return [{ point, latency, at }];
    }),
  }));
  for (const { key, places } of placed) {
    const series = options.series.find((s) => s.key === key);
    const ends = places.flatMap(({ at }) => (at === null ? [] : [at]));
    const path = line<{ x: number; y: number }>(
      (p) => p.x,
      (p) => p.y,
    )(ends);
    panel
      .append('path')
      .attr('class', `series-line s${series?.colour ?? 7}${series?.limit ? ' limit' : ''}`)
      .attr('data-series', key)
      .attr('d', path);
    ends.forEach((end, i) => {
      const before = ends[i - 1];
      if (before !== undefined) obstacles.push(...segmentBoxes(before, end));
      obstacles.push({ x: end.x - 6, y: end.y - 6, width: 12, height: 12 });
    });
    for (const { point, latency, at } of places) {
      const mark = markGroup(panel, options, key, tip(options, chart, key, point));
      if (at !== null) {
        drawTarget(mark, at.x, at.x, at.y, 11);
        const { low, high } = point.throughput;
        if (low !== null && high !== null) drawInterval(mark, x(low), x(high), at.y, 'x');
        if (latency.low !== null && latency.high !== null) {
          drawInterval(mark, y(latency.low), y(latency.high), at.x, 'y');
        }
        drawMedian(mark, options, key, at.x, at.y, low === null, 84);
      }
      // Boots last: most lie so close to the median that its symbol would cover them.
      for (const boot of pairs(point, latency)) {
        drawBoot(mark, x(boot.x), y(boot.y), boot.excluded, 1.5);
        obstacles.push({ x: x(boot.x) - 2, y: y(boot.y) - 2, width: 4, height: 4 });
      }
    }
  }
  const within = { x: 0, y: -14, width: frame.width + 14, height: frame.height + 14 };
  // Names first: they matter more than the windows and want more room.
  for (const { key, places } of placed) {
    const series = options.series.find((s) => s.key === key);
    const text = `${seriesLabel(options, key)}${series?.limit ? (frame.width > 340 ? ' (limit of the pair)' : ' (limit)') : ''}`;
    const medians = places.flatMap(({ at }) => (at === null ? [] : [at]));
    // A subject whose boots were all left out is still named, beside its crosses.
    const crosses = places.flatMap(({ point, latency }) =>
      pairs(point, latency).map((p) => ({ x: x(p.x), y: y(p.y) })),
    );
    const candidates = [...(medians.length > 0 ? medians : crosses)]
      .reverse()
      .flatMap((end, i) =>
        around(end.x, end.y, textWidth(text, 12), 15, 12).map((c) => ({ ...c, cost: c.cost + i * 3 })),
      );
    const spot = placeLabel(candidates, within, obstacles);
    if (spot === null) continue;
    panel
      .append('text')
      .attr('class', `series-label halo s${series?.colour ?? 7}`)
      .attr('data-series', key)
      .attr('text-anchor', spot.anchor)
      .attr(
        'x',
        spot.anchor === 'start' ? spot.x : spot.anchor === 'end' ? spot.x + spot.width : spot.x + spot.width / 2,
      )
      .attr('y', spot.y + 12)
      .text(text);
  }
  for (const { key, places } of placed) {
    for (const { point, at } of places) {
      if (at === null || point.label === '') continue;
      const spot = placeLabel(around(at.x, at.y, textWidth(point.label, 11), 12, 10), within, obstacles, 0.25);
      if (spot === null) continue;
      panel
        .append('text')
        .attr('class', 'quiet small halo')
        .attr('data-series', key)
        .attr('text-anchor', 'middle')
        .attr('x', (spot.x + spot.width / 2).toFixed(1))
        .attr('y', (spot.y + 10).toFixed(1))
        .text(point.label);
    }
  }
}

/**
 * Throughput against latency: a line a subject, a point a window; two panels, the median and the 99th percentile, with
 * the same scales. Right and down is better.
 */
export function drawThroughputLatency(
  container: Element,
  chart: ThroughputLatencyChart,
  options: DrawOptions,
): SVGSVGElement {
  return drawFrame(container, chart, options, (root, width) => {
    const side = width >= 760;
    const left = 62;
    const gap = 28;
    const plotWidth = side ? (width - 2 * left - gap) / 2 - 12 : width - left - 16;
    const plotHeight = 380;
    const panelHeight = plotHeight + 96;
    const points = chart.series.flatMap((s) => s.points);
    const x = logScale(
      points.flatMap((p) => values(p.throughput)),
      [0, plotWidth],
      1.25,
    );
    const y = logScale(
      points.flatMap((p) => [...values(p.p50), ...values(p.p99)]),
      [plotHeight, 0],
      1.25,
    );
    PANELS.forEach(({ which, title }, index) => {
      const frame: Frame = {
        left: side ? left + index * (plotWidth + left + gap) : left,
        top: side ? 34 : 34 + index * panelHeight,
        width: plotWidth,
        height: plotHeight,
        x,
        y,
      };
      const panel = root
        .append('g')
        .attr('class', `panel panel-${which}`)
        .attr('transform', `translate(${frame.left},${frame.top})`);
      panel
        .append('text')
        .attr('class', 'panel-title')
        .attr('x', -left + 4)
        .attr('y', -18)
        .text(title);
      drawXAxis(panel, x, {
        ticks: fittingTicks(x, logTickSets(x), rateTick),
        format: rateTick,
        from: 0,
        to: plotHeight,
      });
      drawYAxis(panel, y, {
        ticks: fewTicks(logTickSets(y), 13),
        format: timeTick,
        from: 0,
        to: plotWidth,
      });
      panel
        .append('text')
        .attr('class', 'quiet small')
        .attr('x', plotWidth)
        .attr('y', plotHeight + 34)
        .attr('text-anchor', 'end')
        .text('replies a second, log scale →');
      drawSeries(panel, frame, which, chart, options, []);
    });
    const height = side ? panelHeight : 2 * panelHeight;
    root
      .append('text')
      .attr('class', 'quiet small')
      .attr('x', 4)
      .attr('y', height - 12)
      .text(`Numbers at the points: ${chart.sweepName}. Right and down is better.`);
    return height;
  });
}
